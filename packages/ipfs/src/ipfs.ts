/** The node as its users see it. The parts behind the interface are in the files of the same names. */
import type { Blocks as Packs, CollectOptions } from '@ipfs-kit/blocks'
import type { Blockstore } from 'interface-blockstore'
import type { CID } from 'multiformats/cid'
import type { OwnPins } from './pins.ts'

/** Options that every call takes last. */
export interface CallOptions {
  /** Cancels the call; its reason passes through untouched. */
  readonly signal?: AbortSignal
}

/**
 * CID profile (IPIP-499): everything that decides which CID a file gets.
 *
 * - `unixfs-v1-2025`: CID v1, raw leaves of 1 MiB, 1,024 links a node. The default.
 * - `unixfs-v0-2015`: CID v0, dag-pb leaves of 256 KiB, 174 links a node, as Kubo has always done.
 */
export type CidProfile = 'unixfs-v1-2025' | 'unixfs-v0-2015'

/** A file or folder to add. */
export interface AddEntry {
  /** Relative path with `/` between names; parents appear by themselves. */
  readonly path: string
  /**
   * The bytes, read once; absent for a folder. A Uint8Array must not change until its item is there. A stream is read to its
   * end before the next entry is asked for, and each of its pieces is copied before the next one is asked for. When it ends in
   * an `EntryReadError` of `@ipfs-kit/operations` the file becomes a failed item and the rest goes on; any other error ends
   * the add.
   */
  readonly content?: Uint8Array | AsyncIterable<Uint8Array>
  /** The sender could not read this file: it becomes a failed item. */
  readonly failed?: { readonly code: string; readonly message: string }
}

/** Options of {@link Files.add}. */
export interface AddOptions extends CallOptions {
  /** Default `unixfs-v1-2025`. */
  readonly profile?: CidProfile
  /** Put what is added into one more folder. Always so when there are several top-level names. Default false. */
  readonly wrap?: boolean
  /**
   * Pin the root when all is stored. Default true. Without a pin the blocks are cache: not synced, and gone with the next
   * garbage collection or when the store needs the room.
   */
  readonly pin?: boolean
  /** Name of the pin, at most 255 characters. */
  readonly name?: string
  /** Bytes of a leaf, instead of the profile's; 1 to 1,048,576. Changes CIDs: for tests and small devices. */
  readonly chunkBytes?: number
  /** Bytes taken in so far, and files and folders stored; the last call has all of them. */
  readonly onProgress?: (progress: { readonly bytes: number; readonly items: number }) => void
}

/** A file or folder that was added. */
export interface AddedItem {
  readonly path: string
  readonly cid: CID
  /** Bytes of content: of the file, or of all files below the folder. */
  readonly bytes: number
}

/** A file that was not added, while the rest was. */
export interface FailedItem {
  readonly path: string
  readonly failed: { readonly code: string; readonly message: string }
}

/** The last thing that {@link Files.add} yields. */
export interface AddSummary {
  /** The root of what was added; absent when every item failed. */
  readonly cid?: CID
  /** Bytes of content of all files. */
  readonly bytes: number
  /** Files and folders added. */
  readonly items: number
  readonly failed: number
}

/** What a path leads to. */
export interface Stat {
  readonly cid: CID
  /** `file`: UnixFS file or raw block; `directory`: UnixFS folder, plain or HAMT; `node`: any other IPLD node. */
  readonly type: 'file' | 'directory' | 'node'
  /** Bytes of the file; of a folder: the sum of its entries as its links state it; of a node: of its block. */
  readonly size: number
  /** Bytes of the DAG with all its blocks as its links state it. */
  readonly dagSize: number
  /** Permission bits of a UnixFS node: as stored, else 0644 or 0755. */
  readonly mode?: number
  /** Seconds since the epoch, if the node carries them. */
  readonly mtimeSeconds?: number
}

/** An entry of a folder. */
export interface DirectoryEntry {
  readonly name: string
  readonly cid: CID
  /** Bytes of the entry's DAG as its link states it, 0 where it does not. */
  readonly size: number
}

/** Content of a file on its way out. */
export interface FileContent {
  /** The file's own CID. */
  readonly cid: CID
  /** Bytes of the whole file. */
  readonly size: number
  /** Where `body` starts and how many bytes it has, after the range was applied. */
  readonly offset: number
  readonly length: number
  /** Read once; each block is verified before its bytes appear. */
  readonly body: AsyncIterable<Uint8Array>
}

/** A range of bytes. */
export interface RangeOptions extends CallOptions {
  /** First byte; negative counts from the end. Default 0. */
  readonly offset?: number
  /** Number of bytes; more than there are is cut. Default: to the end. */
  readonly length?: number
}

/**
 * Files and folders in UnixFS. A `path` is a content path: `<cid>`, `<cid>/a/b`, `/ipfs/<cid>/a/b` or `ipfs://<cid>/a/b`.
 *
 * Every call that takes one rejects with `IPFS_INVALID_CID`, `IPFS_INVALID_PATH` (NUL, `.` or `..`), `IPFS_BLOCK_NOT_FOUND`,
 * `IPFS_PATH_NOT_FOUND`, `IPFS_BLOCK_CORRUPT`.
 */
export interface Files {
  /**
   * Adds files and folders as one DAG; pins its root; yields an item for each, then the summary. When the summary comes,
   * the blocks and the pin survive a power loss; until then nothing of it can be collected. When it is left early or
   * fails, nothing is pinned, and what it has written is cache.
   */
  add(
    entries: Iterable<AddEntry> | AsyncIterable<AddEntry>,
    options?: AddOptions,
  ): AsyncGenerator<AddedItem | FailedItem | AddSummary, void, undefined>
  /** Opens a file. Also `IPFS_NOT_A_FILE`, `IPFS_RANGE`. */
  cat(path: string, options?: RangeOptions): Promise<FileContent>
  /** A file or folder as a tar archive (POSIX ustar with pax headers), the root named by its CID or last path name. */
  tar(path: string, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>
  /** Entries of a folder in the order of its DAG. Also `IPFS_NOT_A_DIRECTORY`. */
  ls(path: string, options?: CallOptions): AsyncGenerator<DirectoryEntry, void, undefined>
  /** What a path leads to. */
  stat(path: string, options?: CallOptions): Promise<Stat>
  /** The CID that a path leads to, with each name followed (also through HAMT folders and dag-cbor). */
  resolve(path: string, options?: CallOptions): Promise<CID>
}

/** What an import brought. */
export interface ImportResult {
  readonly roots: readonly CID[]
  readonly blocks: number
  /** Bytes of the blocks. */
  readonly bytes: number
}

/** Options of {@link Car.import}. */
export interface ImportOptions extends CallOptions {
  /** Pin each root recursively. Default true. */
  readonly pin?: boolean
  readonly name?: string
}

/** Content archives, CARv1. */
export interface Car {
  /** The whole DAG below a path as a CAR with that one root, depth first, each block once. */
  export(path: string, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>
  /**
   * Stores the blocks of a CAR, each verified, then checks that every root is complete, then pins the roots.
   * What is answered survives a power loss if it is pinned. `IPFS_CAR_INVALID` refuses a truncated, lying or incomplete
   * archive; then nothing is pinned, and the blocks that came are cache.
   */
  import(source: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ImportResult>
}

/** IPLD nodes. Codecs: dag-cbor, dag-json, dag-pb, raw. */
export interface Dag {
  /** The node at a path, as the IPLD data model. Also `IPFS_UNKNOWN_CODEC`. */
  get(path: string, options?: CallOptions): Promise<{ readonly cid: CID; readonly value: unknown }>
  /** Stores a node of the IPLD data model. `IPFS_INVALID_NODE` when the codec cannot hold it. */
  put(
    value: unknown,
    options?: CallOptions & { readonly codec?: DagCodec; readonly pin?: boolean },
  ): Promise<CID>
}

/** Codecs that {@link Dag} reads and writes. */
export type DagCodec = 'dag-cbor' | 'dag-json' | 'dag-pb' | 'raw'

/** Single blocks. */
export interface Blocks {
  get(cid: string | CID, options?: CallOptions): Promise<Uint8Array>
  put(
    bytes: Uint8Array,
    options?: CallOptions & { readonly codec?: DagCodec; readonly pin?: boolean },
  ): Promise<CID>
  stat(cid: string | CID, options?: CallOptions): Promise<{ readonly cid: CID; readonly size: number }>
}

/** What garbage collection did. */
export interface GcResult {
  readonly removedBlocks: number
  readonly removedBytes: number
  readonly keptBlocks: number
  /** Bytes that the volume got back. */
  readonly freedBytes: number
}

/** What the store holds now. */
export interface RepoStat {
  /** Blocks that can be read. */
  readonly blocks: number
  /** Their bytes. */
  readonly bytes: number
  readonly pins: number
  /** Bytes of the blocks that were put to be kept, and of those that go when room is needed; what is still in files of an older version is kept. */
  readonly keptBytes: number
  readonly cacheBytes: number
  /** Of what was put to be kept: bytes that are replaced, deleted, or were reached by no pin at the last collection. */
  readonly deadBytes: number
  /** Bytes on the volume. Never more than `maxBytes`. */
  readonly packBytes: number
  /** The limit in force: that of the options, or less when the volume has not that much. */
  readonly maxBytes: number
}

/** The store as a whole. */
export interface Repo {
  /**
   * Counts that are kept, so that it answers at once whatever the store holds; while the blocks of an older version are being
   * moved into packs it counts all blocks, each once.
   */
  stat(options?: CallOptions): Promise<RepoStat>
  /**
   * Removes every block that no pin reaches and no running add, import, pin or export holds. One at a time: those who call
   * while one runs share the next. `IPFS_GC_INCOMPLETE` when a pinned DAG lacks a block that has links: then nothing is
   * removed. Waits until the blocks of an older version are in packs, or no more of them finds room: then it makes some, and
   * they move on. `IPFS_NOT_MIGRATED` when their move has stopped for another reason.
   */
  gc(options?: CollectOptions): Promise<GcResult>
}

/** A node over a folder. All methods are safe to call at once. After `close` every call rejects with `IPFS_CLOSED`. */
export interface Ipfs extends AsyncDisposable {
  readonly files: Files
  readonly pins: OwnPins
  readonly car: Car
  readonly dag: Dag
  readonly blocks: Blocks
  readonly repo: Repo
  /** The store under it in the shape of Helia: verified on every read; a `put` through it is cache unless pinned. */
  readonly blockstore: Blockstore
  /** The packs: what they hold and take, why a block is there, leases on them, and their upkeep. Rejects with `BlocksError`. */
  readonly store: Pick<
    Packs,
    'get' | 'lease' | 'stats' | 'explain' | 'noteRetained' | 'verify' | 'verifyPacks' | 'compact'
  >
  /** The move of an older version's blocks into packs; only if there were any at opening. */
  readonly migration?: RunMigration
  /** Counts since opening; a frozen snapshot. */
  stats(): IpfsStats
  /** Waits for running calls to be cancelled and ended. Idempotent. */
  close(): Promise<void>
}

/** Lets the move of an older version's blocks go on. */
export interface RunMigration {
  /**
   * Moves until all is in packs; for lack of room it waits until there is some. Whoever leaves it stops it, after the running batch,
   * unless it runs in the background or somebody else runs it too. Rejects with `IPFS_STORE_FAILED` when the disk refuses some,
   * and moves these again with the next call; with `IPFS_CLOSED` when the node is closed.
   */
  run(
    options?: CallOptions & { readonly onProgress?: (progress: MigrationProgress) => void },
  ): Promise<MigrationProgress>
}

/** How far the move of an older version's blocks into packs is. A frozen snapshot; numbers are since opening. */
export interface MigrationProgress {
  /**
   * `running`: it goes on. `done`: all is in packs. `stopped`: by `error`, because nobody runs it, or the node was closed. For lack of room it
   * goes on when blocks were deleted or garbage was collected, else at the next opening. Reads, adds and pins work meanwhile.
   */
  readonly state: 'running' | 'done' | 'stopped'
  /** Blocks whose file was removed, because they were read back from a pack. */
  readonly blocks: number
  /** These, those that are damaged, and the files that are there still; absent until they are counted. */
  readonly ofBlocks?: number
  /** Blocks that were written to packs, whether their files are there still or not. */
  readonly copied: number
  /** Bytes of the blocks that were moved. */
  readonly bytes: number
  /** Files that do not hold their block: read twice. They are kept in the folder `blocks/damaged`. */
  readonly damaged: number
  /** Files that the disk refuses to read or to remove. They stay where they are, and `error` has the first reason. */
  readonly left: number
  readonly bytesPerSecond: number
  /** `IPFS_STORE_FULL` when there is no room for more, else `IPFS_STORE_FAILED`. */
  readonly error?: { readonly code: string; readonly message: string }
}

/** Snapshot of {@link Ipfs.stats}. */
export interface IpfsStats {
  readonly blocksRead: number
  readonly blocksWritten: number
  readonly bytesRead: number
  readonly bytesWritten: number
  /** Blocks that were found damaged by a read. */
  readonly corruptReads: number
  /** Adds, imports, pins and exports that hold blocks now. */
  readonly openLeases: number
  /** Only if there were blocks of an older version at opening. */
  readonly migration?: MigrationProgress
}
