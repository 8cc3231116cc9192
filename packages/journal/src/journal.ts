/** The filesystem as its users see it. */
import type { Claim } from '@ipfs-kit/blocks'
import type { FileBytes, MetadataChange, UnixfsMetadata } from '@ipfs-kit/ipfs/unixfs'
import type { Finding } from '@ipfs-kit/wal'
import type { CID } from 'multiformats/cid'
import type { JournalError } from './errors.ts'
import type { JournalHealth } from './monitor/health.ts'
import type { TieredFiles } from './tiers/tiers.ts'
import type { Versions } from './versions.ts'

/** Options that every call takes last. */
export interface CallOptions {
  /** Cancels the call; its reason passes through untouched. */
  readonly signal?: AbortSignal | undefined
}

/** What is at a path. */
export interface Stat extends UnixfsMetadata {
  /** `node`: a DAG that is none of the others. `unknown`: its block is not here. */
  readonly kind: 'file' | 'directory' | 'symlink' | 'node' | 'unknown'
  /** Absent for a folder that has changed since it was last written, for which {@link Journal.flush} gives it; and in a transaction. */
  readonly cid?: CID
  /** Bytes of content; of files. */
  readonly size?: number
  /** Bytes of all blocks of its DAG, if it has not changed since it was written. */
  readonly dagBytes?: number
  /** Its own attributes, if it has any. */
  readonly attributes?: Readonly<Record<string, string>>
  /** If it is a mount: what was mounted, and whether it can be changed. */
  readonly mount?: { readonly cid: CID; readonly writable: boolean }
  /** The tier that its blocks are pinned to, if they are. */
  readonly tier?: string
}

/** An entry of a folder. What is more than `kind` and `cid` is there only in a `long` list; what cannot be read has no size there. */
export interface ListedEntry extends Stat {
  /** In a recursive list the path from the folder that is listed on, such as `a/b`. */
  readonly name: string
}

/** Some entries of a folder. */
export interface ListPage {
  readonly entries: readonly ListedEntry[]
  /** Give it as `after` for what follows; absent at the end. */
  readonly next?: string
}

/** Options of {@link Files.ls}. */
export interface ListOptions extends CallOptions {
  /** Entries at most, 1 to 10,000. Default 1,000. */
  readonly limit?: number
  /** {@link ListPage.next} of the page before. */
  readonly after?: string
  /** Lists what is in the folders in it too, each behind its folder. Default false. */
  readonly recursive?: boolean
  /** With sizes, modes and times, for which the block of each entry is read. Default false. */
  readonly long?: boolean
}

/** Options of calls that put something at a path. */
export interface PutOptions extends CallOptions {
  /** Make folders that are missing on the way. Default false. */
  readonly parents?: boolean
}

/** Options of {@link Files.mount}. */
export interface MountOptions extends PutOptions {
  /** Whether what is there can be changed; what the CID names stays as it is. Default false. */
  readonly writable?: boolean
}

/** Options of {@link Files.unmount}. */
export interface UnmountOptions extends CallOptions {
  /** Leave what is there, as files and folders like others. Default false: it is gone. */
  readonly keep?: boolean
}

/** Options of {@link Files.read}. */
export interface ReadOptions extends CallOptions {
  /** First byte. Default 0. */
  readonly offset?: number
  /** Bytes at most. Default: to the end. */
  readonly length?: number
}

/** Options of {@link Files.readRange}. */
export interface RangeOptions extends ReadOptions {
  /** Bytes at most: all of them are in memory. */
  readonly length: number
}

/** A range of a file, in memory. */
export interface FileRange {
  /** Of the file that the bytes are from. */
  readonly cid: CID
  /** Bytes of the whole file. */
  readonly size: number
  /** As many as were asked for, or fewer at its end. */
  readonly bytes: Uint8Array
}

/** What a checkpoint is. */
export interface Checkpoint {
  /** The root of the tree. */
  readonly cid: CID
  /** Number of the last change in it. */
  readonly sequence: number
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Options of {@link Journal.checkpoint}. */
export interface CheckpointOptions extends CallOptions {
  /** So many are kept now, the newest, with the log since the oldest of them: 1 to 100. Default: as many as always. */
  readonly keep?: number
}

/** A tree that has a name. */
export interface Snapshot extends Checkpoint {
  readonly name: string
}

/** What the opening has recovered. */
export interface Recovery {
  /** That from which it went on: the newest that is whole enough. Absent if it was the beginning of the log. */
  readonly checkpoint?: Checkpoint
  /** Changes that were done again. */
  readonly changes: number
  /** Changes that had followed one that failed, or one that is lost, and so were left out. */
  readonly dropped: number
  /** Newer checkpoints that were not whole, the newest first. They are not kept any more. */
  readonly passed: readonly PassedCheckpoint[]
  /**
   * Why the attributes, mounts and pins to tiers of the checkpoint are lost, if they are: their block was in no checkpoint any
   * more. Mounts are folders like others then.
   */
  readonly attributesLost?: JournalError
  /** What the log was found to be damaged by when it was opened. */
  readonly findings: readonly Finding[]
}

/** A checkpoint with which a recovery did not go on. */
export interface PassedCheckpoint {
  readonly checkpoint: Checkpoint
  /** JOURNAL_BLOCK_MISSING, or JOURNAL_DAMAGED if the log does not lead on from it. */
  readonly reason: JournalError
}

/** How large a tree was when a checkpoint of it was made. */
export interface TreeSample {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Changes up to then. */
  readonly sequence: number
  /** Bytes of all its blocks, each as often as something links to it. */
  readonly treeBytes: number
  /** Bytes of the files of the log, with what the checkpoint has made needless. */
  readonly logBytes: number
}

/** A frozen look at a journal. */
export interface JournalStats {
  readonly state: 'open' | 'failed' | 'closed'
  /** Changes since the tree began. */
  readonly sequence: number
  /** Of them, those that are in no checkpoint. */
  readonly changesSinceCheckpoint: number
  readonly checkpoint: Checkpoint | undefined
  /** Why the last checkpoint that was due could not be written. It is tried again. */
  readonly checkpointFailure: Error | undefined
  /** Bytes of the files of the log. */
  readonly logBytes: number
}

/** Files and folders. Paths are absolute. */
export interface Files {
  /**
   * @throws JournalError JOURNAL_NOT_FOUND, JOURNAL_NOT_A_FOLDER, JOURNAL_BLOCK_MISSING, JOURNAL_INVALID_PATH, JOURNAL_CLOSED; of all
   * calls JOURNAL_INVALID_DAG and JOURNAL_STORE_FAILED
   */
  stat(path: string, options?: CallOptions): Promise<Stat>
  /**
   * A page of a folder: in the order of names, or in that of their hashes where the folder is large. What is there all the while is
   * in one of the pages, once, whatever else changes in the folder between them.
   *
   * @throws as {@link stat}; JournalError JOURNAL_INVALID_CURSOR
   */
  ls(path: string, options?: ListOptions): Promise<ListPage>
  /**
   * Makes a folder.
   *
   * @throws JournalError JOURNAL_EXISTS unless `parents` is given and it is a folder; JOURNAL_NOT_FOUND, JOURNAL_FULL, JOURNAL_FAILED
   */
  mkdir(path: string, options?: PutOptions & UnixfsMetadata): Promise<void>
  /**
   * Puts a file at a path, in the place of a file that is there. It carries the metadata that are given, and no others.
   *
   * @throws JournalError JOURNAL_NOT_A_FILE when something else is there; as {@link mkdir}; RangeError for metadata that no file can
   * have; what the content throws
   */
  write(path: string, content: FileBytes, options?: PutOptions & UnixfsMetadata): Promise<void>
  /**
   * Writes into a file. A gap beyond its end is filled with zeros. Writes into one file come one after the other. Its mode stays; if
   * it has a time, that is set to the clock.
   *
   * @throws JournalError JOURNAL_CONFLICT when the file was replaced, moved or removed meanwhile; JOURNAL_NOT_FOUND,
   * JOURNAL_NOT_A_FILE; RangeError for an offset that is no whole number from 0
   */
  writeAt(path: string, offset: number, content: FileBytes, options?: CallOptions): Promise<void>
  /** Writes at the end of a file. @throws as {@link writeAt} */
  append(path: string, content: FileBytes, options?: CallOptions): Promise<void>
  /** Cuts a file, or fills it with zeros, to a size in bytes. @throws as {@link writeAt} */
  truncate(path: string, size: number, options?: CallOptions): Promise<void>
  /**
   * Sets mode and time of a file or a folder; what is not given stays, `null` takes away.
   *
   * @throws JournalError JOURNAL_NOT_FOUND; JOURNAL_NOT_A_FILE for what is neither; RangeError for what no file can have; of a file as
   * {@link writeAt}
   */
  setMetadata(path: string, metadata: MetadataChange, options?: CallOptions): Promise<void>
  /**
   * The bytes of a file, as it is when the reading begins. Until it ends, or is left, all of them stay, whatever becomes of the file.
   *
   * @throws JournalError JOURNAL_NOT_FOUND, JOURNAL_NOT_A_FILE, JOURNAL_BLOCK_MISSING, JOURNAL_RANGE for an offset behind its end
   */
  read(path: string, options?: ReadOptions): AsyncGenerator<Uint8Array, void, undefined>
  /** A range of a file in memory, with what the file was when the reading began. @throws as {@link read} */
  readRange(path: string, options: RangeOptions): Promise<FileRange>
  /**
   * Removes what is at a path.
   *
   * @throws JournalError JOURNAL_NOT_FOUND; JOURNAL_NOT_EMPTY for a folder with entries without `recursive`; JOURNAL_INTO_ITSELF
   * for the root
   */
  rm(path: string, options?: CallOptions & { readonly recursive?: boolean }): Promise<void>
  /**
   * Moves what is at a path. A file takes the place of a file; a folder that of an empty folder.
   *
   * @throws JournalError JOURNAL_NOT_FOUND, JOURNAL_INTO_ITSELF, JOURNAL_NOT_EMPTY, JOURNAL_EXISTS, JOURNAL_NOT_A_FOLDER
   */
  mv(from: string, to: string, options?: PutOptions): Promise<void>
  /** Copies what is at a path: only its CID, whatever it weighs. @throws as {@link mv}, and JOURNAL_EXISTS */
  cp(from: string, to: string, options?: PutOptions): Promise<void>
  /**
   * Puts what a CID names at a path where nothing is: a file, a folder, a symbolic link or another node. Its blocks are looked
   * through, so that none is missing, and kept.
   *
   * @throws JournalError JOURNAL_EXISTS, JOURNAL_CONTENT_MISSING, JOURNAL_NOT_FOUND, JOURNAL_FULL, JOURNAL_FAILED; JOURNAL_INVALID_DAG for a
   * DAG that cannot be walked
   */
  put(path: string, cid: CID, options?: PutOptions): Promise<void>
  /**
   * Sets own attributes of what is at a path; those that are `undefined` are removed. Names have at most 255 bytes, all of a path
   * 65,536 with their values. They move with it, are copied with it, and stay when a file is written anew.
   *
   * @throws JournalError JOURNAL_NOT_FOUND, JOURNAL_READ_ONLY, JOURNAL_TOO_LARGE; TypeError, RangeError
   */
  setAttributes(
    path: string,
    attributes: Readonly<Record<string, string | undefined>>,
    options?: CallOptions,
  ): Promise<void>
  /**
   * Puts what a CID names at a path as a mount: changes in it are refused with JOURNAL_READ_ONLY, or are made in a copy with
   * `writable`. A mount can be moved; it is removed by {@link unmount} only. A copy of it is none.
   *
   * @throws as {@link put}
   */
  mount(path: string, cid: CID, options?: MountOptions): Promise<void>
  /** @throws JournalError JOURNAL_NOT_FOUND, JOURNAL_NOT_MOUNTED, JOURNAL_MOUNTED when another mount is in it */
  unmount(path: string, options?: UnmountOptions): Promise<void>
}

/** Options of {@link Journal.begin}. */
export interface TransactionOptions {
  /** For who looks at {@link Journal.transactions}. Default `unnamed`. */
  readonly name?: string
  /** Milliseconds after which it is rolled back if it is still open, 1 to 86,400,000. Default: the journal's `transactionMs`. */
  readonly timeoutMs?: number
}

/** What a transaction is and what has become of it. */
export interface TransactionStatus {
  readonly id: string
  readonly name: string
  /**
   * `open`; `committed`; `rolled-back`; `expired`: it was open for too long; `conflict`: what it had used has changed, or the
   * journal had to recover; the last three have changed nothing.
   */
  readonly state: 'open' | 'committing' | 'committed' | 'rolled-back' | 'expired' | 'conflict'
  /** Milliseconds since 1970. */
  readonly beganAt: number
  /** Milliseconds that it has been open for, or was. */
  readonly openMs: number
  /** Steps that it has done. */
  readonly steps: number
  /** Path whose change by somebody else has ended it. */
  readonly conflict?: string
}

/**
 * Files as they will be: what is changed here nobody else sees before the commit, and then at once. What others change is seen
 * unless it was used here before: then this transaction ends with JOURNAL_CONFLICT, so that what commits is as if it had been done
 * alone. Calls of one that has ended throw JOURNAL_TRANSACTION_ENDED.
 */
export interface Transaction extends Files, AsyncDisposable {
  readonly id: string
  /**
   * Makes the changes everybody's, all or none; they are in the log when it resolves.
   *
   * @throws JournalError JOURNAL_CONFLICT, JOURNAL_TRANSACTION_ENDED, JOURNAL_FULL, JOURNAL_FAILED
   */
  commit(options?: CallOptions): Promise<void>
  /** Forgets the changes. One that has ended stays as it is. Also at the end of `await using`. */
  rollback(): Promise<void>
  status(): TransactionStatus
}

/** A filesystem whose files and folders are CIDs. What was answered survives a power loss. */
export interface Journal extends Files, Versions, TieredFiles, AsyncDisposable {
  readonly recovery: Recovery
  /** Begins a transaction. @throws JournalError JOURNAL_TOO_MANY_TRANSACTIONS, JOURNAL_CLOSED; RangeError */
  begin(options?: TransactionOptions): Transaction
  /**
   * One that is open, or of the last 100 that have ended, of which only {@link Transaction.status} can be asked.
   *
   * @throws JournalError JOURNAL_TRANSACTION_UNKNOWN
   */
  transaction(id: string): Transaction
  /** Those that are open, and the last 100 that have ended, by their age. */
  transactions(): readonly TransactionStatus[]
  /** Writes what has changed, and gives the CID at a path when it is in the log. @throws JournalError JOURNAL_NOT_FOUND, JOURNAL_FULL */
  flush(path?: string, options?: CallOptions): Promise<CID>
  /**
   * Writes the whole tree, so that an opening need not do again what came before. With `keep` others go, so that there is room for
   * what only they have: also when nothing has changed.
   *
   * @throws JournalError JOURNAL_FULL, JOURNAL_FAILED, JOURNAL_CLOSED; RangeError
   */
  checkpoint(options?: CheckpointOptions): Promise<Checkpoint>
  /**
   * The roots of what must not go now: the tree, what changes are in it, what is not in it any more because of a change that the
   * log has not taken yet, the checkpoints that are kept, and the snapshots. For the option `retained` of the block store.
   */
  roots(): readonly CID[]
  /**
   * The same for its option `claims`: a collection stops when a block of the tree is missing; of a checkpoint or a snapshot it
   * keeps what is there.
   */
  claims(): readonly Claim[]
  stats(): JournalStats
  /** How large the tree was at checkpoints, the oldest first: 64 at most, the older the sparser. {@link plotTree} draws them. */
  samples(): readonly TreeSample[]
  /** Whether all is well: what is above its threshold, and the numbers. Channel `journal:alert` tells of it by itself. */
  health(): JournalHealth
  /** Ends. What was answered is in the log. Idempotent. */
  close(): Promise<void>
}
