/** Versions of the tree as users see them: those that are kept, what is different between them, and how to go back. */
import type { CID } from 'multiformats/cid'
import type { CallOptions, Checkpoint, Recovery, Snapshot, Stat } from './journal.ts'

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

/** A block of the tree with which something is wrong. */
export interface TreeDamage {
  /** Where it was met first: of a file, or of the folder that the block is a part of. */
  readonly path: string
  readonly cid: CID
  /** `missing`: not here, or damaged here. `invalid`: no block of such a DAG; somebody else has made it. */
  readonly problem: 'missing' | 'invalid'
}

/** What was looked through. What is at several paths counts once. */
export interface TreeVerified {
  readonly files: number
  readonly folders: number
  /** Those that are there, and bytes of them. */
  readonly blocks: number
  readonly bytes: number
  /** Blocks that are not. What lies below them is not known. */
  readonly missing: number
  readonly invalid: number
}

/** Options of {@link Versions.verify}. */
export interface VerifyOptions extends CallOptions {
  /** Is told how far it is. It must not throw. */
  readonly onProgress?: (progress: TreeVerified) => void
}

/** What {@link Versions.recover} has found, and what has come of it. */
export interface RecoverReport {
  /** The folders of the newest checkpoint. */
  readonly verified: TreeVerified
  /** Of the blocks that are missing in them the first 1,000. */
  readonly damages: readonly TreeDamage[]
  /** If an older checkpoint has more of its folders: the tree was made anew from that. */
  readonly recovery?: Recovery
}

/** Something that was done to a path, to what is below it, or to a folder that it was in. */
export interface PathChange {
  /** Number of the change; several of these may have one. */
  readonly sequence: number
  /** Milliseconds since 1970, by the clock of then. */
  readonly at: number
  readonly change: 'put' | 'mkdir' | 'meta' | 'rm' | 'mv' | 'cp' | 'attributes' | 'unmount' | 'tier'
  /** What was changed, by its name of then; of `mv` and `cp` where it came to. */
  readonly path: string
  readonly from?: string
  /** What was put. */
  readonly cid?: CID
}

/** What was at a path in a tree that is kept. */
export interface PathVersion {
  /** The name of the snapshot; absent for a checkpoint. */
  readonly snapshot?: string
  /** Number of the last change in it. */
  readonly sequence: number
  readonly at: number
  /** Its name of then. */
  readonly path: string
  /** Absent if nothing was there; `unknown` if the tree has lost it. */
  readonly stat?: Stat
}

/** What is known of a path, the newest first. */
export interface PathHistory {
  /** Out of the log, which is kept since the oldest checkpoint. */
  readonly changes: readonly PathChange[]
  /** Snapshots and checkpoints in which it is not what it is in the next newer one, or in the live tree. */
  readonly versions: readonly PathVersion[]
}

/** Options of {@link Versions.history}. */
export interface HistoryOptions extends CallOptions {
  /** Changes at most, 1 to 10,000: the newest. Default 100. */
  readonly limit?: number
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
   * are made. What was mounted in it is there as files and folders like others. It stays pinned to the tier that it is pinned to
   * now; what is below is pinned to none.
   *
   * @throws JournalError JOURNAL_VERSION_UNKNOWN, JOURNAL_NOT_FOUND if nothing was there, JOURNAL_NOT_A_FOLDER, JOURNAL_BLOCK_MISSING,
   * JOURNAL_MOUNTED or JOURNAL_READ_ONLY for what mounts do not let go, JOURNAL_TOO_LARGE for too many attributes, JOURNAL_FULL
   */
  restore(from: KeptReference, options?: PathOptions): Promise<void>
  /**
   * Tells what has become of a path, whether or not something is there now. Where what is there was moved, it goes on with the name
   * that it had before, and not with what a copy was made of. Memory: the moves in the log, and what it gives.
   *
   * @throws JournalError JOURNAL_INVALID_PATH, JOURNAL_DAMAGED, JOURNAL_CLOSED; RangeError
   */
  history(path: string, options?: HistoryOptions): Promise<PathHistory>
  /**
   * Reads all blocks of the live tree, as it is when this begins, and compares their bytes with their CIDs. Yields what is wrong, and
   * returns what it has looked through. While it runs all of it stays.
   *
   * @throws JournalError JOURNAL_CLOSED, JOURNAL_FAILED if the store cannot be read
   */
  verify(options?: VerifyOptions): AsyncGenerator<TreeDamage, TreeVerified, undefined>
  /**
   * Looks through the folders of the newest checkpoint. If blocks are missing, the tree is made anew from that older checkpoint of
   * those that are kept, or from the beginning of the log, of which the fewest are missing, with all changes since then; and a
   * checkpoint is written. Attributes and mounts that all of them have lost are stored again as they are. Changes wait for that; open transactions end with a conflict. What no log leads to stays lost: of files
   * only {@link verify} tells.
   *
   * @throws JournalError JOURNAL_BLOCK_MISSING, JOURNAL_DAMAGED if no older one leads to the tree, which is then as it was;
   * JOURNAL_FULL, JOURNAL_FAILED, JOURNAL_CLOSED
   */
  recover(options?: CallOptions): Promise<RecoverReport>
}
