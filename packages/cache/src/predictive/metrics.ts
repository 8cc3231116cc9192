/** What came of prefetches, counted. */
import type { PredictionSource } from './predictor.ts'

/**
 * How a prefetch ended:
 * - `inTime`: it was there when it was asked for
 * - `late`: it was asked for while it was on its way
 * - `never`: it arrived and nobody asked for it, or there was no room for it
 * - `cancelled`: its reader left, or went elsewhere, before it arrived
 * - `failed`: it failed before anybody asked for it
 */
export type PrefetchOutcome = 'inTime' | 'late' | 'never' | 'cancelled' | 'failed'

/** Prefetches by how they ended, and those that run or wait for their reader. */
export interface PrefetchCounts extends Readonly<Record<PrefetchOutcome, number>> {
  readonly started: number
}

/** What reading came to. Frozen. */
export interface PrefetchMetrics {
  /** Reads that were not nearby. */
  readonly demands: number
  readonly demandedBytes: number
  /** Reads that were nearby. */
  readonly cached: number
  readonly prefetches: PrefetchCounts
  /** The same for each source. */
  readonly bySource: Readonly<Record<PredictionSource, PrefetchCounts>>
  /** Part of the prefetches that have ended which a reader used, in time or late. `undefined` before one has. */
  readonly precision: number | undefined
  /** Part of the demands that a prefetch answered, in time or late. `undefined` before there is one. */
  readonly coverage: number | undefined
  /** Bytes that arrived for nobody. What a cancelled fetch had read by then is not known here. */
  readonly addedBytes: number
  /** Milliseconds that readers waited for blocks. */
  readonly stallMs: number
  /**
   * Milliseconds that they did not wait thanks to prefetches, an estimate: a reader that had asked for the block itself would
   * have waited as long as its prefetch took; what it still waited is taken off. It is too high where fetches at once slow each
   * other down, as one alone would have been faster.
   */
  readonly savedMs: number
}

const outcomes = ['inTime', 'late', 'never', 'cancelled', 'failed'] as const satisfies PrefetchOutcome[]
const sources = ['links', 'run', 'successor'] as const satisfies PredictionSource[]

type Counter = Record<PrefetchOutcome | 'started', number>

/** Counts for all readers of a prefetcher. */
export class Metrics {
  demands = 0
  /** Demands that a prefetch answered. */
  answered = 0
  demandedBytes = 0
  cached = 0
  addedBytes = 0
  stallMs = 0
  savedMs = 0
  readonly #bySource = Object.fromEntries(sources.map((source) => [source, zero()])) as Record<
    PredictionSource,
    Counter
  >

  started(source: PredictionSource): void {
    this.#bySource[source].started += 1
  }

  ended(source: PredictionSource, outcome: PrefetchOutcome): void {
    this.#bySource[source][outcome] += 1
  }

  look(): PrefetchMetrics {
    const { demands, demandedBytes, cached, addedBytes, stallMs, savedMs } = this
    const all = zero()
    for (const source of sources)
      for (const key of ['started', ...outcomes] as const) all[key] += this.#bySource[source][key]
    const used = all.inTime + all.late
    const ended = outcomes.reduce((sum, outcome) => sum + all[outcome], 0)
    return Object.freeze({
      demands,
      demandedBytes,
      cached,
      prefetches: Object.freeze(all),
      bySource: Object.freeze({
        links: Object.freeze({ ...this.#bySource.links }),
        run: Object.freeze({ ...this.#bySource.run }),
        successor: Object.freeze({ ...this.#bySource.successor }),
      }),
      precision: ended === 0 ? undefined : used / ended,
      coverage: demands === 0 ? undefined : this.answered / demands,
      addedBytes,
      stallMs,
      savedMs,
    })
  }
}

function zero(): Counter {
  return { started: 0, inTime: 0, late: 0, never: 0, cancelled: 0, failed: 0 }
}
