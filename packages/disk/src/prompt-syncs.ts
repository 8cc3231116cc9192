/**
 * When a sync is done at once. By a thread it costs the way there and back, on an idle machine as much as the sync itself; at once
 * it blocks everybody else. So it is done at once where nobody else is there: while the event loop had nothing to do during the
 * last one by a thread, and that one was fast.
 */
import { performance } from 'node:perf_hooks'

/** One that takes longer had better be waited for elsewhere: the way by a thread is a small part of it. In milliseconds. */
const slowMs = 0.5
/** After a slow one of 1 ms they go by a thread for so many; after others for so many times its square. */
const restMs = 8
/** The event loop has nothing else to do if it waits for so much of the time of a sync by a thread. */
const idleShare = 0.5
/** So many are done at once before one goes by a thread again, to see what the event loop does meanwhile. */
const syncsPerLook = 64

/** So many in a row by a thread have to be fast before the first at once: of a disk that others keep busy some are. */
const fastLooks = 8

/** How the event loop stands when a sync by a thread begins. */
export interface LoopLook {
  readonly beganMs: number
  readonly idleMs: number
}

/** The syncs of one disk. */
export interface PromptSyncs {
  /** Whether one may be done at once. Counts as one that was sent away if not. */
  allowed(): boolean
  /** Tells how long one took that was done at once. */
  took(ms: number): void
  /** One by a thread begins that was to be done at once. */
  began(): LoopLook
  /** It has ended. */
  ended(look: LoopLook): void
  /** Those at once that took too long. */
  readonly slow: number
  /** Those that were not done at once. */
  readonly sentAway: number
}

/** @param clock - milliseconds, and how many of them the event loop has waited. Default: those of this process */
export function createPromptSyncs(clock: () => LoopLook = loopNow): PromptSyncs {
  let slow = 0
  let sentAway = 0
  let granted = 0
  let notBeforeMs = -Infinity
  let fastInARow = 0
  return {
    get slow() {
      return slow
    },
    get sentAway() {
      return sentAway
    },
    allowed() {
      if (granted > 0) {
        granted -= 1
        return true
      }
      sentAway += 1
      return false
    },
    took(ms) {
      if (ms <= slowMs) return
      slow += 1
      granted = 0
      fastInARow = 0
      // The longer it takes the rarer it has to be: one of 3 ms may come again after 72 ms, one of 300 ms after 12 minutes.
      notBeforeMs = clock().beganMs + ms * ms * restMs
    },
    began: clock,
    ended({ beganMs, idleMs }) {
      const { beganMs: endedMs, idleMs: idleAtEndMs } = clock()
      const tookMs = endedMs - beganMs
      const wasIdle = idleAtEndMs - idleMs >= tookMs * idleShare
      fastInARow = wasIdle && tookMs <= slowMs ? fastInARow + 1 : 0
      if (fastInARow === 0) granted = 0
      if (fastInARow >= fastLooks && endedMs >= notBeforeMs) granted = syncsPerLook
    },
  }
}

function loopNow(): LoopLook {
  return { beganMs: performance.now(), idleMs: performance.nodeTiming.idleTime }
}
