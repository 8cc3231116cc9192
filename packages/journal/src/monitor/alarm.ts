/** One alert: raised as soon as its figure is above the threshold, cleared when it has been well below for a while. */

/** Below this part of its threshold a figure is calm: one that swings around the threshold raises its alert once. */
const calmShare = 0.8

export class Alarm {
  readonly threshold: number
  readonly #settleMs: number
  #isRaised = false
  #calmSince: number | undefined

  constructor(threshold: number, settleMs: number) {
    this.threshold = threshold
    this.#settleMs = settleMs
  }

  get isRaised(): boolean {
    return this.#isRaised
  }

  /** When it may be cleared without anything happening. */
  get clearsAt(): number | undefined {
    return this.#calmSince === undefined ? undefined : this.#calmSince + this.#settleMs
  }

  /** Tells it the figure, and the time on a clock that never goes back. @returns what has become of it, if something has */
  look(value: number, now: number): 'raised' | 'cleared' | undefined {
    if (value > this.threshold) {
      this.#calmSince = undefined
      if (this.#isRaised) return undefined
      this.#isRaised = true
      return 'raised'
    }
    if (!this.#isRaised) return undefined
    if (value > this.threshold * calmShare) {
      this.#calmSince = undefined
      return undefined
    }
    this.#calmSince ??= now
    if (now - this.#calmSince < this.#settleMs) return undefined
    this.#isRaised = false
    this.#calmSince = undefined
    return 'cleared'
  }
}
