/** Whether something is a snapshot that can be taken up: it may come from a file. */
import { CacheError } from './errors.ts'
import { mostSlots } from './key-table.ts'
import type { CacheSnapshot } from './memory-cache.ts'
import type { PolicyOrder } from './policy.ts'

/** Of a list: four for each slot. There may be many ghosts for few entries. */
const mostNumbers = 4 * mostSlots

/** @throws CacheError CACHE_BAD_SNAPSHOT */
export function checkSnapshot<V>(snapshot: CacheSnapshot<V>): CacheSnapshot<V> {
  if (typeof snapshot !== 'object' || snapshot === null) throw bad('it is no object')
  const { version, policy, seed, whole, entries, order } = snapshot
  if (version !== 1) throw bad(`its version is ${String(version)}, not 1`)
  if (typeof policy !== 'string' || !isCount(seed, 2 ** 32 - 1) || typeof whole !== 'boolean')
    throw bad('it has no policy or seed')
  if (!Array.isArray(entries)) throw bad('it has no entries')
  const keys = new Set<string>()
  for (const [at, entry] of entries.entries()) {
    const { key, value, bytes = 0, leftMs = 0 } = entry ?? {}
    const isEntry = typeof key === 'string' && value !== undefined && isCount(bytes, Number.MAX_SAFE_INTEGER)
    if (!isEntry || typeof leftMs !== 'number' || keys.has(key)) throw bad(`its entry ${at} is none`)
    keys.add(key)
  }
  if (!isOrder(order)) throw bad('its order is none')
  return snapshot
}

function isOrder(order: unknown): order is PolicyOrder {
  if (typeof order !== 'object' || order === null) return false
  return Object.values(order).every(
    (value) =>
      typeof value === 'number' ||
      (Array.isArray(value) &&
        value.length <= mostNumbers &&
        // Also those that a list without them says to have.
        Array.from(value as unknown[]).every((one) => Number.isFinite(one))),
  )
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most
}

function bad(why: string): CacheError {
  return new CacheError('CACHE_BAD_SNAPSHOT', `This is not a snapshot of a cache: ${why}`)
}
