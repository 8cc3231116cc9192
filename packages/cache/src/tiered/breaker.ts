/** The circuit breaker of a tier: after failures it is left alone, until a probe of its own succeeds. */
import { failAfter, type Owner, run, sleep, throwIfCancelled } from '@ipfs-kit/concurrency'
import type { CallOptions } from '@ipfs-kit/storage'
import type { CheckedBreaker } from './policy.ts'

/** `closed`: the tier is asked. `open`: it is not. `half-open`: it is being probed. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** A frozen look at a breaker. */
export interface BreakerStats {
  readonly state: BreakerState
  /** Failures in a row. */
  readonly failures: number
  /** Times that it opened, probes that failed included. */
  readonly openings: number
  /** Time until the next probe, while it is open. */
  readonly probeInMs: number | undefined
  /** What the last failure said. */
  readonly lastFailure: string | undefined
}

/** Of what a breaker needs to probe. */
export interface Probed {
  probe(options: CallOptions): Promise<unknown>
  readonly timeoutMs: number
  readonly owner: Owner
  /** Told of each change between asked and left alone. */
  readonly onChange: (state: 'opened' | 'closed') => void
  readonly now: () => number
}

export class Breaker {
  readonly #rules: CheckedBreaker
  readonly #probed: Probed
  #state: BreakerState = 'closed'
  #failures = 0
  #openings = 0
  /** Failed probes and openings since the tier last proved itself: each doubles the time. */
  #doublings = 0
  #successes = 0
  #probeAtMs = 0
  #lastFailure: string | undefined

  constructor(rules: CheckedBreaker, probed: Probed) {
    this.#rules = rules
    this.#probed = probed
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  succeeded(): void {
    // A call from before it opened.
    if (!this.isClosed) return
    this.#failures = 0
    if (this.#doublings === 0) return
    // One probe that went well is no proof: as many calls are as failures are of the opposite.
    this.#successes += 1
    if (this.#successes >= this.#rules.failures) this.#doublings = 0
  }

  failed(error: unknown): void {
    this.#failures += 1
    this.#successes = 0
    this.#lastFailure = sayingOf(error)
    if (this.#failures >= this.#rules.failures) this.#open()
  }

  /** One failure that is enough. */
  trip(error: unknown): void {
    this.#failures += 1
    this.#successes = 0
    this.#lastFailure = sayingOf(error)
    this.#open()
  }

  stats(): BreakerStats {
    const isOpen = this.#state === 'open'
    return Object.freeze({
      state: this.#state,
      failures: this.#failures,
      openings: this.#openings,
      probeInMs: isOpen ? Math.max(0, this.#probeAtMs - this.#probed.now()) : undefined,
      lastFailure: this.#lastFailure,
    })
  }

  #open(): void {
    const { owner, onChange } = this.#probed
    if (this.#state !== 'closed' || owner.scope.cancelled) return
    this.#state = 'open'
    onChange('opened')
    owner.spawn(() => this.#recover(), { name: 'probes of a tier' })
  }

  async #recover(): Promise<void> {
    const { timeoutMs, onChange, now } = this.#probed
    const { openMs, maxOpenMs } = this.#rules
    for (;;) {
      const waitMs = Math.min(maxOpenMs, openMs * 2 ** Math.min(this.#doublings, 31))
      this.#doublings += 1
      this.#openings += 1
      this.#state = 'open'
      this.#probeAtMs = now() + waitMs
      await sleep(waitMs)
      this.#state = 'half-open'
      try {
        await failAfter(timeoutMs, (scope) => run(this.#probed.probe({ signal: scope.signal })))
      } catch (error) {
        throwIfCancelled()
        this.#lastFailure = sayingOf(error)
        continue
      }
      this.#state = 'closed'
      this.#failures = 0
      this.#successes = 0
      onChange('closed')
      return
    }
  }
}

/** The code of an error where it has one; messages of others may have keys in them. */
export function sayingOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
