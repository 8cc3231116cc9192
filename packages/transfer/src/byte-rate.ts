/** A limit of bytes in a second that all bodies of a transfer share. */
import { now, sleepUntil } from '@ipfs-kit/concurrency'

/** Lets bytes through. */
export interface ByteRate {
  /** Waits until so many bytes may pass. Those who come first pass first. */
  pass(bytes: number): Promise<void>
}

/** Bytes that were not used are kept for so long: a pause does not make room for a burst. */
const burstMs = 100

/**
 * Makes a token bucket on the clock of the running backend. It holds the bytes of 100 ms at most; a piece that is larger than that
 * passes at once and those behind it wait for it, so that over any longer time the rate holds.
 *
 * @param bytesPerSecond - `undefined`: there is no limit
 */
export function createByteRate(bytesPerSecond: number | undefined): ByteRate {
  if (bytesPerSecond === undefined) return { pass: async () => {} }
  let freeAt = -Infinity
  return {
    async pass(bytes) {
      const begin = Math.max(freeAt, now() - burstMs)
      freeAt = begin + (bytes / bytesPerSecond) * 1000
      if (begin > now()) await sleepUntil(begin)
    },
  }
}
