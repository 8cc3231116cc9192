/** Several backends as one: the fastest first, each for what it is good for. */
import type { Body, CallOptions, ObjectStat, StorageBackend } from '@ipfs-kit/storage'
import type { CID } from 'multiformats/cid'
import type { BatchItem, BatchOptions, Source } from './batch.ts'
import type { ClearedTier } from './clear.ts'
import type { DemotionReport } from './demotion.ts'
import type { KeyExplanation } from './explain.ts'
import type { MoveReport } from './move.ts'
import { checkPolicy, type TieredPolicy } from './policy.ts'
import type { QueryItem } from './query.ts'
import type { TierStats } from './tier.ts'
import { TieredStore } from './tiered-store.ts'

/** A frozen look at a tiered store. */
export interface TieredStats {
  readonly name: string
  /** In the order in which they are asked. */
  readonly tiers: readonly TierStats[]
  /** Keys of which heat and places are remembered. */
  readonly knownKeys: number
  readonly reads: {
    /** Searches that run, that were begun, and calls that shared one. */
    readonly running: number
    readonly started: number
    readonly shared: number
  }
  /** Promotions that were left out, since too many ran. */
  readonly promotionsLeftOut: number
  /** Bytes of bodies that arrive. */
  readonly arrivingBytes: number
}

/** Options of {@link Tiered.getBytes}. */
export interface ReadOptions extends CallOptions {
  /** What is found goes into the tiers above at once, however often it was read. Default false: after `promoteAfterHits`. */
  readonly promote?: boolean
}

/** One of several to put. */
export interface PutItem {
  readonly key: string
  readonly body: Body
  readonly size?: number
}

/**
 * Several backends as one. Where a key is a CID, no byte is answered, kept or promoted that was not verified against it,
 * whatever the tier. All calls reject with `STORAGE_CLOSED` after `close`, and with the reason of their signal.
 */
export interface Tiered extends StorageBackend {
  /**
   * What a memory tier has, at once and without a copy: it belongs to the cache, do not write into it. Counts as a read.
   * `undefined` says that memory does not have it, no more.
   */
  peek(key: string): Uint8Array | undefined
  /** Whether {@link peek} would have it. Counts as nothing. */
  inMemory(key: string): boolean
  /**
   * A value, whole. It may be shared with others: do not write into it. A CID for a key saves reading its text.
   *
   * @returns undefined if there is none
   * @throws CacheError CACHE_TIERS_FAILED, CACHE_BODY_BROKEN, CACHE_TOO_LARGE above `maxValueBytes`
   */
  getBytes(key: string | CID, options?: ReadOptions): Promise<Uint8Array | undefined>
  /** Whether a tier has it. Its bytes are not looked at. @throws CacheError CACHE_TIERS_FAILED */
  has(key: string, options?: CallOptions): Promise<boolean>
  /** The values of many keys, as {@link getBytes} gives them. */
  getMany(
    keys: Source<string>,
    options?: BatchOptions & Pick<ReadOptions, 'promote'>,
  ): AsyncGenerator<BatchItem<Uint8Array | undefined>, void>
  putMany(items: Source<PutItem>, options?: BatchOptions): AsyncGenerator<BatchItem<ObjectStat>, void>
  deleteMany(keys: Source<string>, options?: BatchOptions): AsyncGenerator<BatchItem<void>, void>
  hasMany(keys: Source<string>, options?: BatchOptions): AsyncGenerator<BatchItem<boolean>, void>
  statMany(
    keys: Source<string>,
    options?: BatchOptions,
  ): AsyncGenerator<BatchItem<ObjectStat | undefined>, void>
  /**
   * All keys with a prefix that a listing tier has, each once, in byte order, with the tiers that list it. A tier that fails
   * is an item of its own, and what it has is not in what follows.
   */
  query(options?: CallOptions & { readonly prefix?: string }): AsyncGenerator<QueryItem, void>
  /** Where a key is, since when, why, how hot it is, and the numbers behind that. All tiers are asked. */
  explain(key: string, options?: CallOptions): Promise<KeyExplanation>
  /**
   * A sweep: takes out of the tiers with `demoteBelow` what has gone colder, where `minCopies` stores further down have the
   * same bytes, or take them now. Values above `maxWholeBytes` stay.
   */
  demote(options?: CallOptions): Promise<DemotionReport>
  /**
   * Empties the tiers whose role is `cache`, or the one that is named. What arrives meanwhile may stay.
   *
   * @throws CacheError CACHE_NO_TIER, CACHE_TIER_KEEPS; what a tier fails with
   */
  clear(options?: CallOptions & { readonly tier?: string }): Promise<readonly ClearedTier[]>
  /**
   * Tells that another way than this store took the value of a key out of a tier, or that of any key. Memory tiers forget it at
   * once, and what runs already does not put it there again. A CID that no tier can have is forgotten too.
   *
   * @throws StorageError STORAGE_INVALID_KEY for a text that is no key
   */
  forget(key?: string | CID): void
  /**
   * Puts the value of a key, verified, into the tier that is named, and takes it out of those above. Out of a store it goes
   * only when `minCopies` stores from the named one down have it. What lies below stays.
   *
   * @returns undefined if no tier has it
   * @throws CacheError CACHE_NO_TIER, CACHE_TIER_REFUSES, CACHE_TOO_LARGE above `maxWholeBytes`, CACHE_TIERS_FAILED; what the
   * tier fails with
   */
  move(key: string, to: string, options?: CallOptions): Promise<MoveReport | undefined>
  stats(): TieredStats
  /** Cancels everything that runs, and waits for its end. The tiers stay open: they belong to who made them. Idempotent. */
  close(): Promise<void>
}

/**
 * Makes one store of several. Reads ask the tiers in order, and what was found further down is promoted. Puts go through to
 * all tiers that take the value.
 *
 * @param tiers - storage backends, the fastest first, each with a name of its own
 * @throws TypeError, RangeError for a policy that is unknown or wrong; TypeError for a memory tier of another tiered store
 */
export function tiered(tiers: readonly StorageBackend[], policy: TieredPolicy = {}): Tiered {
  return new TieredStore(tiers, checkPolicy(tiers, policy))
}
