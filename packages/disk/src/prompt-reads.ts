/** When reads may be answered at once, which is many times cheaper than by a thread, but blocks everybody else. */

/** A read that takes longer was no read of memory, and the next ones had better wait elsewhere. In milliseconds. */
const slowMs = 1
/** Reads sent away after the first slow one; twice as many after each slow one that follows. */
const fewest = 16
const most = 4096
/** Fast reads in a row that halve the number again. */
const calm = 64

/** Of larger reads the copying itself is the work, and a thread does it as well. A block of 256 KiB with its header is below. */
export const promptBytes = 512 * 1024

/** Of one disk: how it has lately answered. */
export interface PromptReads {
  /** Whether a read of so many bytes may be done at once. Counts as one that was sent away if not. */
  allowed(bytes: number): boolean
  /** Tells how long one took. */
  took(ms: number): void
  /** Reads that took too long. */
  readonly slow: number
  /** Reads that were sent away. */
  readonly sentAway: number
}

export function createPromptReads(): PromptReads {
  let slow = 0
  let sentAway = 0
  let next = fewest
  let left = 0
  let fastInARow = 0
  return {
    get slow() {
      return slow
    },
    get sentAway() {
      return sentAway
    },
    allowed(bytes) {
      if (left === 0 && bytes <= promptBytes) return true
      if (left > 0) left -= 1
      sentAway += 1
      return false
    },
    took(ms) {
      if (ms <= slowMs) {
        fastInARow += 1
        if (fastInARow % calm === 0) next = Math.max(fewest, next / 2)
        return
      }
      slow += 1
      fastInARow = 0
      left = next
      next = Math.min(most, next * 2)
    },
  }
}
