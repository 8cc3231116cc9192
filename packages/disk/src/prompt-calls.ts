/** When the system is asked at once, which is many times cheaper than by a thread, but blocks everybody else. */

/** A call that takes longer was not answered from memory, and the next ones had better wait elsewhere. In milliseconds. */
const slowMs = 1
/** Calls sent away after the first slow one; twice as many after each slow one that follows. */
const fewest = 16
const most = 4096
/** Fast calls in a row that halve the number again. */
const calm = 64

/** Of larger reads the copying itself is the work, and a thread does it as well. A block of 256 KiB with its header is below. */
export const promptReadBytes = 512 * 1024
/** Of larger writes likewise; and theirs goes on beside the work of who fills the next one. */
export const promptWriteBytes = 256 * 1024
/**
 * After so many calls, or bytes, one is sent away: who waits for one after the other would never let go of the event loop,
 * since a promise that is settled at once gives nobody else a turn. This is some milliseconds' worth.
 */
export const readsPerTurn = 256
export const writesPerTurn = 64
const bytesPerTurn = 8 * 1024 * 1024

/** Options of {@link createPromptCalls}. */
export interface PromptCallsOptions {
  /** Calls with more bytes are sent away. */
  readonly maxBytes: number
  /** After so many calls, or 8 MiB, one is sent away. */
  readonly callsPerTurn: number
}

/** Calls of one kind on one disk: how it has lately answered them. */
export interface PromptCalls {
  /** Whether a call with so many bytes may be made at once. Counts as one that was sent away if not. */
  allowed(bytes: number): boolean
  /** Tells how long one took. */
  took(ms: number): void
  /** Calls that took too long. */
  readonly slow: number
  /** Calls that were sent away. */
  readonly sentAway: number
}

export function createPromptCalls({ maxBytes, callsPerTurn }: PromptCallsOptions): PromptCalls {
  let slow = 0
  let sentAway = 0
  let next = fewest
  let left = 0
  let fastInARow = 0
  let calls = 0
  let callBytes = 0
  return {
    get slow() {
      return slow
    },
    get sentAway() {
      return sentAway
    },
    allowed(bytes) {
      if (left === 0 && bytes <= maxBytes && calls < callsPerTurn && callBytes + bytes <= bytesPerTurn) {
        calls += 1
        callBytes += bytes
        return true
      }
      if (left > 0) left -= 1
      calls = 0
      callBytes = 0
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
