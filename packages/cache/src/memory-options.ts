/** The options of a memory cache, checked. */
import { now } from '@ipfs-kit/concurrency'
import { mostSlots } from './key-table.ts'
import { lirs } from './lirs-policy.ts'
import type { MemoryCacheOptions } from './memory-cache.ts'
import type { Limits } from './policy.ts'

const known = [
  'name',
  'maxEntries',
  'maxBytes',
  'sizeOf',
  'policy',
  'ttlMs',
  'negativeTtlMs',
  'maxNegative',
  'maxLoads',
  'now',
  'onEvict',
  'snapshot',
]

/** An entry takes some 130 bytes beside its key and value: with bytes alone as a limit there are no more than this many. */
const bytesAnEntry = 128
const leastEntries = 1024
/** Entries that a cache can have at most: each may have a ghost. */
export const mostEntries = mostSlots / 2

/** The options with their defaults. @throws TypeError, RangeError */
export function checkMemoryOptions<V>(options: MemoryCacheOptions<V>) {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('A memory cache needs options: maxEntries, maxBytes, or both')
  checkKnown(options, known, 'A memory cache')
  const { name = 'memory', policy = lirs, ttlMs = Number.POSITIVE_INFINITY, negativeTtlMs = 0 } = options
  const { maxNegative = 1000, maxLoads = 256, sizeOf, onEvict, snapshot } = options
  if (typeof name !== 'string' || name === '') throw new TypeError('name is a text that is not empty')
  if (typeof policy?.create !== 'function')
    throw new TypeError('policy is arc, s3Fifo, lirs or lru, of this package')
  for (const [key, value] of Object.entries({ sizeOf, onEvict, now: options.now })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${key} is a function`)
  }
  checkTtl('ttlMs', ttlMs)
  if (negativeTtlMs !== 0) checkTtl('negativeTtlMs', negativeTtlMs)
  for (const [key, value] of Object.entries({ maxNegative, maxLoads })) checkLimit(key, value, 1, mostEntries)
  return {
    name,
    policy,
    ttlMs,
    negativeTtlMs,
    maxNegative,
    maxLoads,
    sizeOf: sizeOf ?? lengthOf,
    onEvict,
    snapshot,
    now: options.now ?? (() => now()),
    limits: checkLimits(options.maxEntries, options.maxBytes),
    wantedEntries: options.maxEntries,
  }
}

/** {@link MemoryCacheOptions} with their defaults. */
export type CheckedMemoryOptions<V> = ReturnType<typeof checkMemoryOptions<V>>

/** @throws TypeError */
export function checkKnown(options: object, names: readonly string[], who: string): void {
  const unknown = Object.keys(options).find((key) => !names.includes(key))
  if (unknown !== undefined)
    throw new TypeError(`${who} has no option ${unknown}; it has ${names.join(', ')}`)
}

/** @throws TypeError, RangeError */
export function checkLimits(maxEntries: number | undefined, maxBytes: number | undefined): Limits {
  if (maxEntries === undefined && maxBytes === undefined)
    throw new TypeError('A memory cache needs maxEntries, maxBytes, or both: nothing is unbounded')
  if (maxEntries !== undefined) checkLimit('maxEntries', maxEntries, 1, mostEntries)
  if (maxBytes === undefined) return { maxEntries: maxEntries!, maxBytes }
  checkLimit('maxBytes', maxBytes, 1, Number.MAX_SAFE_INTEGER)
  const most = Math.min(mostEntries, Math.max(leastEntries, Math.ceil(maxBytes / bytesAnEntry)))
  return { maxEntries: maxEntries ?? most, maxBytes }
}

/** Infinity is never. @throws RangeError */
export function checkTtl(name: string, ms: number): void {
  if (typeof ms !== 'number' || !(ms > 0))
    throw new RangeError(`${name} is a number of milliseconds above 0, or Infinity, not ${ms}`)
}

function checkLimit(name: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`)
}

function lengthOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength
  throw new TypeError('The size of this value is unknown: give sizeOf, or bytes with the call')
}
