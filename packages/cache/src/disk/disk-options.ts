/** The options of a disk cache, checked. */
import type { DiskCacheOptions } from './disk-cache.ts'
import { checkTtl } from './check-call.ts'

const known = [
  'blocks',
  'path',
  'disk',
  'maxBytes',
  'minFreeBytes',
  'name',
  'failureDomain',
  'maxEntries',
  'maxValueBytes',
  'maxArrivingBytes',
  'ttlMs',
  'now',
]
const ofPath = ['disk', 'maxBytes', 'minFreeBytes'] as const
const maxNameLength = 64

/** The options with their defaults, but for those that depend on the store. @throws TypeError, RangeError */
export function checkDiskOptions(options: DiskCacheOptions) {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('A disk cache needs options: blocks and failureDomain, or path and maxBytes')
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw new TypeError(`A disk cache has no option ${unknown}; it has ${known.join(', ')}`)
  const { blocks, path, name = 'disk-cache', ttlMs = Number.POSITIVE_INFINITY, now = Date.now } = options
  const { maxEntries = 1_000_000, maxValueBytes, maxArrivingBytes = 268_435_456 } = options
  const failureDomain = options.failureDomain ?? (typeof path === 'string' ? `disk:${path}` : undefined)
  if ((blocks === undefined) === (path === undefined))
    throw new TypeError('A disk cache needs blocks, an open store, or path, a folder for its own; not both')
  if (blocks !== undefined && (typeof blocks.stats !== 'function' || typeof blocks.unverified !== 'object'))
    throw new TypeError('blocks is a store that openBlocks has opened')
  for (const key of ofPath) {
    if (blocks !== undefined && options[key] !== undefined)
      throw new TypeError(`${key} belongs to path: the store that is given as blocks has its own`)
  }
  if (path !== undefined && options.maxBytes === undefined)
    throw new TypeError('A disk cache with a folder of its own needs maxBytes, the bytes it may take')
  if (typeof failureDomain !== 'string' || failureDomain === '')
    throw new TypeError('failureDomain is a text that is not empty; with blocks it is needed')
  const isName = typeof name === 'string' && name !== '' && name.length <= maxNameLength
  if (!isName || name.includes('\0') || !name.isWellFormed())
    throw new TypeError(`name is a text of 1 to ${maxNameLength} characters without NUL`)
  checkTtl(ttlMs)
  if (typeof now !== 'function') throw new TypeError('now is a function')
  checkLimit('maxEntries', maxEntries, 2 ** 24)
  checkLimit('maxArrivingBytes', maxArrivingBytes, Number.MAX_SAFE_INTEGER)
  if (maxValueBytes !== undefined) checkLimit('maxValueBytes', maxValueBytes, Number.MAX_SAFE_INTEGER)
  return { name, failureDomain, ttlMs, now, maxEntries, maxValueBytes, maxArrivingBytes }
}

function checkLimit(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > most)
    throw new RangeError(`${name} is a whole number from 1 to ${most}, not ${value}`)
}
