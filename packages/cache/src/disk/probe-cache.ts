/** The probe of a disk cache: what it writes has a time to live of its own. */
import { type CallOptions, type ProbeReport, probeByRoundTrip } from '@ipfs-kit/storage'
import type { DiskCache } from './disk-cache.ts'

/** That of the cache may be over before the probe has read; and should its process die, nothing stays for ever. */
const ttlMs = 60_000

/** As {@link probeByRoundTrip}. */
export function probeCache(cache: DiskCache, options: CallOptions): Promise<ProbeReport> {
  const { name, supports } = cache
  const calls: Parameters<typeof probeByRoundTrip>[0] = {
    name,
    supports,
    put: (key, body, given) => cache.put(key, body, { ...given, ttlMs }),
    get: (key, given) => cache.get(key, given),
    list: (given) => cache.list(given),
    delete: (key, given) => cache.delete(key, given),
    stat: (key, given) => cache.stat(key, given),
  }
  return probeByRoundTrip(calls, options)
}
