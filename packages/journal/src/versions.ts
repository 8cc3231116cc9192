/** Versions of the tree as users see them: those that are kept, what is different between them, and how to go back. */
import type { CID } from 'multiformats/cid'
import type { CallOptions, Checkpoint, Snapshot, Stat } from './journal.ts'

/** A tree that is kept, or any folder by its CID. */
export type KeptReference = { readonly snapshot: string } | { readonly checkpoint: number } | CID

/** The same, or the tree as it is. A checkpoint is named by its {@link Checkpoint.sequence}. */
export type TreeReference = 'live' | KeptReference

/** Options of {@link Versions.diff} and {@link Versions.restore}. */
export interface PathOptions extends CallOptions {
  /** Only what is there and below. Default `/`. */
  readonly path?: string
}

/** Something that is not the same in two trees. */
export interface Difference {
  readonly path: string
  /** A folder that was added or removed stands for all that is in it. */
  readonly change: 'added' | 'removed' | 'changed'
  readonly before?: Stat
  readonly after?: Stat
}

/** What a journal keeps besides the live tree. */
export interface Versions {
  /** Those that are kept, the newest first: an opening goes back to an older one if it has to. */
  checkpoints(): readonly Checkpoint[]
  /**
   * Gives the tree a name, under which it stays until it is removed; up to 200.
   *
   * @param name - 1 to 64 bytes of UTF-8, without slashes and control characters
   * @throws JournalError JOURNAL_SNAPSHOT_EXISTS, JOURNAL_TOO_MANY_SNAPSHOTS, JOURNAL_INVALID_NAME; as `checkpoint`
   */
  snapshot(name: string, options?: CallOptions): Promise<Snapshot>
  /** In the order in which they were made. */
  snapshots(): readonly Snapshot[]
  /** Lets a snapshot go. The tree is not written for it. @throws JournalError JOURNAL_VERSION_UNKNOWN */
  removeSnapshot(name: string, options?: CallOptions): Promise<void>
  /**
   * Yields what is different, in no order that can be relied on: content, metadata and attributes. Folders that are the same are
   * not looked into. A folder is `changed` only if its own metadata or attributes are. While it runs the blocks of both trees
   * stay. Memory: of each folder on the way what is in one block, and the paths that carry attributes.
   *
   * @throws JournalError JOURNAL_VERSION_UNKNOWN, JOURNAL_NOT_FOUND if the path is in neither, JOURNAL_NOT_A_FOLDER for a CID that
   * is none, JOURNAL_BLOCK_MISSING
   */
  diff(
    from: TreeReference,
    to: TreeReference,
    options?: PathOptions,
  ): AsyncGenerator<Difference, void, undefined>
  /**
   * Makes what is at a path what it was, with its attributes and as one change: what is there now is replaced, folders on the way
   * are made. What was mounted in it is there as files and folders like others.
   *
   * @throws JournalError JOURNAL_VERSION_UNKNOWN, JOURNAL_NOT_FOUND if nothing was there, JOURNAL_NOT_A_FOLDER, JOURNAL_BLOCK_MISSING,
   * JOURNAL_MOUNTED or JOURNAL_READ_ONLY for what mounts do not let go, JOURNAL_TOO_LARGE for too many attributes, JOURNAL_FULL
   */
  restore(from: KeptReference, options?: PathOptions): Promise<void>
}
