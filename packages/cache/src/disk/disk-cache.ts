/** The disk cache as its users see it. */
import type { Blocks } from '@ipfs-kit/blocks'
import type { Disk } from '@ipfs-kit/disk'
import type { Body, CallOptions, ObjectStat, PutOptions, StorageBackend } from '@ipfs-kit/storage'

/** The calls of a store of blocks that a disk cache makes. */
export type DiskCacheBlocks = Pick<Blocks, 'unverified' | 'stats'>

/** Options of {@link openDiskCache}: `blocks` and `failureDomain`, or `path` and `maxBytes`, and what follows. */
export interface DiskCacheOptions {
  /** An open store, which others may use too. Closing the cache leaves it open; close the cache first. */
  readonly blocks?: DiskCacheBlocks
  /** Absolute path of a folder in which the cache opens a store of its own. Made if it is not there. One opener at a time. */
  readonly path?: string
  /** With `path`: where that is. Default: the system's disk. */
  readonly disk?: Disk
  /** With `path`: bytes that the cache may take on the volume, 1 MiB or more. */
  readonly maxBytes?: number
  /** With `path`: room on the volume that is left alone. Default: 1 GiB or 5 % of the volume, whichever is less. */
  readonly minFreeBytes?: number
  /**
   * How people call it, and what its records in the store begin with: caches of other names on one store have nothing in
   * common. 1 to 64 characters without NUL. Default `disk-cache`.
   */
  readonly name?: string
  /** What fails together with it. Default, with `path`: `disk:` and the path. */
  readonly failureDomain?: string
  /**
   * Entries at most, 1 to 16,777,216; the one that was not used for longest goes for a new one. Each takes some 400 bytes
   * of memory besides its key. Default 1,000,000.
   */
  readonly maxEntries?: number
  /** Bytes of a value at most. Default: a quarter of what the store may take. */
  readonly maxValueBytes?: number
  /** Bytes that all bodies which arrive may take in memory together; one takes 1 MiB at most. Default 268,435,456 (256 MiB). */
  readonly maxArrivingBytes?: number
  /** For how long a value counts, in milliseconds above 0. Default Infinity: until its room is needed. */
  readonly ttlMs?: number
  /** The clock of times to live: milliseconds since 1970, also for the next process. Default: that of the system. */
  readonly now?: () => number
}

/** Options of {@link DiskCache.put}. */
export interface DiskCachePutOptions extends PutOptions {
  /** Default: that of the cache. */
  readonly ttlMs?: number
  /** What the bytes are, `type/subtype` with or without parameters, 255 characters of ASCII at most. Default: not known. */
  readonly mediaType?: string
  /** What else is to be known of the value: texts by name, 4,096 bytes of JSON at most. Default: nothing. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** Options of {@link DiskCache.touch}. */
export interface TouchOptions extends CallOptions {
  /** From now on. Default: that of the cache. */
  readonly ttlMs?: number
}

/** Options of {@link DiskCache.clear}. */
export interface ClearOptions extends CallOptions {
  /** Only keys that begin with this. Default: all. */
  readonly prefix?: string
}

/** What is known of a value without reading it. */
export interface DiskCacheEntry {
  readonly key: string
  readonly size: number
  readonly mediaType: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  /** When it was put, and when its time is over, by the clock of the cache. Infinity: never. */
  readonly storedAt: number
  readonly expiresAt: number
}

/** Some values, counted. */
export interface Tally {
  readonly entries: number
  readonly bytes: number
}

/** Ages of values, each without those before it: younger than a minute, an hour, a day, 7 days, 30 days, and the rest. */
export type AgeGroup = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'older'

/** A frozen look at a disk cache. Counts of calls are since opening. */
export interface DiskCacheStats {
  readonly name: string
  readonly entries: number
  readonly maxEntries: number
  /** Bytes of all values. What their packs take on the volume, the stats of the store tell. */
  readonly bytes: number
  /** Values that were asked for and given, or not there. `stat`, `list` and `entry` do not count. */
  readonly hits: number
  readonly misses: number
  readonly puts: number
  /** Values that left because their time was over. */
  readonly expired: number
  /** Values that left because their room was needed or a part of them was damaged, and for `maxEntries`. */
  readonly evicted: number
  /** Values that left by `delete` and `clear`. */
  readonly deleted: number
  /**
   * Times that records of a value which left could not be removed. They are never given, and take room until they are evicted or
   * the cache is opened again; a value of which all is there that nobody has deleted is one again then.
   */
  readonly leftovers: number
  /** Bodies that were given out and are not read to their end. */
  readonly readers: number
  /** Bytes that bodies which arrive take in memory. */
  readonly arrivingBytes: number
  /** By media type without parameters: the first 62 there are, `none` for values without, `other` for those of further types. */
  readonly byMediaType: Readonly<Record<string, Tally>>
  readonly byAge: Readonly<Record<AgeGroup, Tally>>
}

/**
 * A cache on a disk: values of any size under any keys of the storage contract, with a time to live, a media type and
 * metadata. A value is answered as it was put, or not at all: what was evicted, expired or damaged is a miss. After a crash
 * each key has no value, or one that it once had; nothing is synced. Calls reject as those of every storage backend; what the
 * disk fails to read or write is `BLOCKS_IO` of the store.
 */
export interface DiskCache extends StorageBackend {
  readonly supports: {
    readonly write: true
    readonly delete: true
    readonly list: true
    readonly ranges: true
    readonly conditionalPut: true
    readonly conditionalReplace: true
    readonly keys: 'any'
  }
  /**
   * As of every storage backend. A body is taken in parts, which are written while it arrives.
   *
   * @throws StorageError STORAGE_FULL also for a value above `maxValueBytes`, and for one that is evicted while it arrives
   * @throws TypeError, RangeError for a time, media type or metadata that is none
   */
  put(key: string, body: Body, options?: DiskCachePutOptions): Promise<ObjectStat>
  /** The whole value in memory that belongs to the caller; undefined if there is none. */
  getBytes(key: string, options?: CallOptions): Promise<Uint8Array | undefined>
  /** What is known of a value; undefined if there is none. */
  entry(key: string, options?: CallOptions): Promise<DiskCacheEntry | undefined>
  /**
   * Gives a value a new time to live, and makes it the last that goes for `maxEntries`. Whether there is one.
   *
   * @throws RangeError
   */
  touch(key: string, options?: TouchOptions): Promise<boolean>
  /**
   * Removes many values: all that are there when it begins. If it is cut short, those are gone that it came to.
   *
   * @returns how many it removed
   */
  clear(options?: ClearOptions): Promise<number>
  /**
   * Costs a look at every entry. What was evicted counts until the cache has noticed, which this sets off; so do, of very many
   * that expire at once, all but the first.
   */
  stats(): DiskCacheStats
}
