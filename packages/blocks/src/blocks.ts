/** The store as its users see it. */
import type { Scope } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'

/** Options that every call takes last. */
export interface CallOptions {
  /** Cancels the call; its reason passes through untouched. */
  readonly signal?: AbortSignal
}

/** Where a frame lies: `kept` packs are synced and compacted, `cache` packs are dropped whole when room is needed. */
export type Stream = 'kept' | 'cache'

/** Options of {@link Blocks.put} and {@link Lease.put}. */
export interface PutOptions extends CallOptions {
  /**
   * `now`: the bytes are hashed and refused with `BLOCKS_MISMATCH` if they do not match the CID. The default.
   * `on-read`: for a caller that has just computed the CID from them. A wrong CID is then a block that is never answered.
   */
  readonly verify?: 'now' | 'on-read'
  /**
   * The scope that a put of a lease waits in, for those who begin puts and await them elsewhere. Default: that of the
   * caller, whose end would end the wait.
   */
  readonly scope?: Scope
}

/** A pair to store. */
export interface Pair {
  readonly cid: CID
  readonly bytes: Uint8Array
}

/** A stored block without its bytes. */
export interface Listed {
  /** Version 1, raw codec: the store knows a block by its multihash alone. */
  readonly cid: CID
  readonly size: number
  readonly stream: Stream
}

/** A range of bytes. */
export interface RangeOptions extends CallOptions {
  /** First byte. Default 0. A RangeError behind the end. */
  readonly offset?: number
  /** Number of bytes; more than there are is cut. Default: to the end. */
  readonly length?: number
}

/**
 * How content becomes kept. Every block that it puts or finds there already belongs to it, and cannot go while it is
 * open. Order of a durable write: put or hold, `flush`, record the claim, answer, `close`.
 */
export interface Lease extends Disposable {
  /** For `explain` and stats. */
  readonly name: string
  /** Stores a block, or takes hold of the one that is there. Resolves when it is written (not synced). */
  put(cid: CID, bytes: Uint8Array, options?: PutOptions): Promise<'new' | 'found'>
  /**
   * Takes hold of a block that is there; in a lease for `kept`, a block in a cache pack moves to a kept one.
   * Resolves to whether it is there. Its bytes are read, and verified, only if it has to move.
   */
  hold(cid: CID, options?: CallOptions): Promise<boolean>
  /**
   * Makes all blocks of the lease durable: data and folder entries of their packs are synced, one sync for all who wait.
   *
   * @throws BlocksError `BLOCKS_SYNC_FAILED`
   */
  flush(options?: CallOptions): Promise<void>
  /** Ends it. What no claim reaches is cache from now on. Idempotent. */
  close(): void
}

/** Options of {@link Blocks.lease}. */
export interface LeaseOptions {
  /** Default `lease`. */
  readonly name?: string
  /** Where new blocks go. `cache` is for readers and for content that nobody will claim. Default `kept`. */
  readonly stream?: Stream
}

/** A root that somebody keeps. */
export interface Claim {
  readonly cid: CID
  /** Links to follow from the root; 0 keeps the root alone. Default Infinity. */
  readonly depth?: number
  /**
   * What becomes of a mark when a block that has links is not here, or damaged. `stop`: it fails, and nothing is freed. `skip`:
   * what is here is kept, such as for work that has not looked yet whether all is here; a mark leaves it in its cache packs, from
   * which it moves when they are dropped. Default `stop`.
   */
  readonly missing?: 'stop' | 'skip'
}

/** What a mark found. */
export interface MarkReport {
  /** Number of this epoch since opening. */
  readonly epoch: number
  readonly claims: number
  /** Links to leaves that are not here, counted as often as they were met. They do not stop a mark: nothing lies behind them. */
  readonly missingLeaves: number
  /** Blocks and bytes of kept packs that a claim reaches or a lease holds. */
  readonly liveBlocks: number
  readonly liveBytes: number
  /** Blocks and bytes of kept packs that nobody claims. They are readable until they are compacted away. */
  readonly deadBlocks: number
  readonly deadBytes: number
}

/** What a collection removed. */
export interface CollectReport {
  readonly removedBlocks: number
  /** Payload bytes of the removed blocks. */
  readonly removedBytes: number
  readonly keptBlocks: number
  /** Bytes of packs that the volume got back. */
  readonly freedBytes: number
}

/** How far a collection is. */
export interface CollectProgress {
  /** It looks for what is claimed, or removes what is not. */
  readonly stage: 'marking' | 'removing'
  /** Blocks that were found, or removed. */
  readonly blocks: number
  /** Bytes that were read of them, or removed. */
  readonly bytes: number
}

/** Options of {@link Blocks.collect}. */
export interface CollectOptions extends CallOptions {
  /** Told from the time on at which this call came. It must not throw: others may wait for the same collection. */
  readonly onProgress?: (progress: CollectProgress) => void
}

/** What compaction did. */
export interface CompactReport {
  readonly packs: number
  readonly copiedBytes: number
  readonly freedBytes: number
}

/** A frame that does not hold what it should. */
export interface Damage {
  /** Number of the pack. */
  readonly pack: number
  /** Byte of the file at which the frame, or the unreadable region, begins. */
  readonly offset: number
  readonly bytes: number
  /** The block, where its key could be read. */
  readonly cid?: CID
  readonly problem: 'mismatch' | 'unreadable' | 'footer'
}

/** How far a verification is. */
export interface VerifyProgress {
  readonly packs: number
  readonly ofPacks: number
  readonly bytes: number
  readonly blocks: number
}

/** What a verification found. */
export interface VerifyReport {
  readonly packs: number
  readonly blocks: number
  /** Bytes read and hashed. */
  readonly bytes: number
  /** At most 1,000; `damagedBlocks` counts all. */
  readonly damages: readonly Damage[]
  readonly damagedBlocks: number
}

/** What one pack has. */
export interface PackVerified {
  /** Its number; they come in its order. */
  readonly pack: number
  readonly blocks: number
  /** Bytes read and hashed. */
  readonly bytes: number
  /** At most 1,000; `damagedBlocks` counts all. */
  readonly damages: readonly Damage[]
  readonly damagedBlocks: number
}

/** Options of {@link Blocks.verify}. */
export interface VerifyOptions extends CallOptions {
  /** Bytes read a second at most. Default 67,108,864 (64 MiB). */
  readonly bytesPerSecond?: number
  /** Packs up to this number are left out, such as those of a verification before that was interrupted. Default 0: none. */
  readonly afterPack?: number
  readonly onProgress?: (progress: VerifyProgress) => void
}

/** What the store knows of a block, with the numbers behind it. */
export interface Explanation {
  readonly cid: CID
  /**
   * `kept`: in a kept pack. `cache`: in a cache pack. `damaged`: its stored bytes do not match it; not answered.
   * `absent`: not here. `inline`: the CID holds its bytes itself.
   */
  readonly state: 'kept' | 'cache' | 'damaged' | 'absent' | 'inline'
  readonly size?: number
  readonly pack?: number
  readonly offset?: number
  /** Whether its frame survives a power loss. */
  readonly synced?: boolean
  /** `marked`: a claim reached it in the last complete mark. `leased`: an open lease holds it. `unclaimed`: neither. `unknown`: there was no complete mark since opening. */
  readonly claim?: 'marked' | 'leased' | 'unclaimed' | 'unknown'
  /** Of a block in a cache pack: packs that are dropped before its own. */
  readonly packsBefore?: number
  /** One sentence for people. */
  readonly why: string
}

/** Snapshot of {@link Blocks.stats}. Bytes of packs are physical: what the files take, footers and their reserve included. */
export interface BlocksStats {
  /** Blocks and records that can be read. */
  readonly entries: number
  /** Their payload bytes. */
  readonly bytes: number
  readonly keptEntries: number
  readonly keptBytes: number
  readonly cacheEntries: number
  readonly cacheBytes: number
  /** Bytes of pack files: what the quota counts. Never above `maxBytes`. */
  readonly packBytes: number
  readonly keptPackBytes: number
  readonly cachePackBytes: number
  /** The quota in force: `maxBytes`, or less when the volume has not that much. */
  readonly maxBytes: number
  readonly maxEntries: number
  /** Payload bytes of kept packs that are replaced, deleted, or were unclaimed in the last complete mark. */
  readonly deadBytes: number
  readonly keptPacks: number
  readonly cachePacks: number
  /** Entries whose index is in memory, the others are answered from footers; and bytes of that index. */
  readonly indexedEntries: number
  readonly indexBytes: number
  readonly openLeases: number
  /** Complete marks since opening. */
  readonly epoch: number
  /** Since opening. */
  readonly blocksRead: number
  readonly bytesRead: number
  readonly blocksWritten: number
  readonly bytesWritten: number
  /** Puts that found their block. */
  readonly blocksFound: number
  readonly corruptReads: number
  readonly syncs: number
  readonly evictedPacks: number
  readonly evictedBytes: number
  readonly readmittedBytes: number
  readonly compactedPacks: number
  readonly copiedBytes: number
  /** Longest time that a writer has waited for room. */
  readonly longestRoomWaitMs: number
  /** Why nothing durable is taken any more, if so. */
  readonly syncFailure?: string
}

/** Values under free keys. There is no CID to verify them by: a checksum tells damage, not malice. They lie in cache packs and can be evicted. */
export interface Unverified {
  /** Stores a value in the place of the former one. Key: 1 to 16,384 bytes of UTF-8. */
  put(key: string, bytes: Uint8Array, options?: CallOptions): Promise<void>
  get(key: string, options?: CallOptions): Promise<Uint8Array | undefined>
  getRange(key: string, options?: RangeOptions): Promise<Uint8Array | undefined>
  has(key: string, options?: CallOptions): Promise<boolean>
  delete(key: string, options?: CallOptions): Promise<boolean>
  list(
    options?: CallOptions,
  ): AsyncGenerator<{ readonly key: string; readonly size: number }, void, undefined>
}

/** A store of blocks in a folder. All methods are safe to call at once. After `close` every call rejects with `BLOCKS_CLOSED`. */
export interface Blocks extends AsyncDisposable {
  /** Stores a block in a cache pack unless it is there. Resolves when it is written (not synced). */
  put(cid: CID, bytes: Uint8Array, options?: PutOptions): Promise<void>
  /** Stores many, some at once; yields each CID when it is written, in order. */
  putMany(
    pairs: Iterable<Pair> | AsyncIterable<Pair>,
    options?: PutOptions,
  ): AsyncGenerator<CID, void, undefined>
  /** The bytes of a block, verified. A mismatch is a miss, and a report (`stats`, `explain`, channel `blocks:damage`). */
  get(cid: CID, options?: CallOptions): Promise<Uint8Array | undefined>
  /** A part of a block. The whole block is read and verified, in bounded memory. */
  getRange(cid: CID, options?: RangeOptions): Promise<Uint8Array | undefined>
  /** Whether a block is there; its bytes are not looked at. */
  has(cid: CID, options?: CallOptions): Promise<boolean>
  size(cid: CID, options?: CallOptions): Promise<number | undefined>
  /** Removes a block, unless a lease holds it. Whether it was removed. Claims are not asked: that is the caller's part. */
  delete(cid: CID, options?: CallOptions): Promise<boolean>
  /** All blocks in no order, each once. What is put or deleted meanwhile may or may not appear. */
  list(options?: CallOptions): AsyncGenerator<Listed, void, undefined>
  lease(options?: LeaseOptions): Lease
  /**
   * Tells that the option `retained` gives these roots as well, or, without any, that it may give others than it did. From here on
   * nothing that is here of them goes: they are walked before the next block does.
   */
  noteRetained(roots?: readonly CID[]): void
  /** Finds what the claims reach. Those who call while one runs get the next. `BLOCKS_MARK_INCOMPLETE`. */
  mark(options?: CallOptions): Promise<MarkReport>
  /** Garbage collection: drops all cache packs, marks, and removes what nobody claims from the kept ones. */
  collect(options?: CollectOptions): Promise<CollectReport>
  /** Rewrites kept packs whose share of dead bytes is at least `minDeadShare` (default 0.25), after a mark. */
  compact(options?: CallOptions & { readonly minDeadShare?: number }): Promise<CompactReport>
  /** Reads and checks all packs at a bounded rate. */
  verify(options?: VerifyOptions): Promise<VerifyReport>
  /** The same, pack by pack, the oldest first: those that are there when it begins. */
  verifyPacks(options?: VerifyOptions): AsyncGenerator<PackVerified, void, undefined>
  /** Why a block is here, or not. */
  explain(cid: CID, options?: CallOptions): Promise<Explanation>
  stats(): BlocksStats
  readonly unverified: Unverified
  /** Idempotent. Ends running calls, writes what is buffered, syncs kept packs. */
  close(): Promise<void>
}
