/** What placement does by itself: it looks at the backends, evaluates, verifies, and keeps the catalogue small. */
import { createEvent, moveOnAfter, now, sleep, throwIfCancelled, type Owner } from '@ipfs-kit/concurrency'
import { evaluateAll, type EvaluationOptions } from './evaluation.ts'
import type { Summary } from './tally.ts'
import type { Verification } from './verification.ts'

/** What upkeep is made with. */
export interface UpkeepOptions extends EvaluationOptions {
  readonly owner: Owner
  readonly verification: Verification
  readonly intervalMs: number
  readonly evaluateEveryMs: number
}

export class Upkeep {
  readonly #options: UpkeepOptions
  #wake = createEvent({ name: 'placement has something to do' })
  #isAsked = true
  #evaluatedAt = -Infinity
  #last: Summary | undefined
  #lastFailure: string | undefined

  constructor(options: UpkeepOptions) {
    this.#options = options
    const { owner } = options
    owner.spawn(async () => await this.#evaluateOnAndOn(), { name: 'evaluates' })
    owner.spawn(async ({ signal }) => await this.#verifyOnAndOn(signal), { name: 'verifies' })
  }

  get last(): Summary | undefined {
    return this.#last
  }

  get lastFailure(): string | undefined {
    return this.#lastFailure
  }

  /** Asks for an evaluation of everything soon. */
  ask(): void {
    this.#isAsked = true
    this.#wake.set()
  }

  async #evaluateOnAndOn(): Promise<never> {
    const { ledger, wal, intervalMs, evaluateEveryMs } = this.#options
    for (;;) {
      const isOther = ledger.refresh(wal)
      if (isOther || this.#isAsked || now() - this.#evaluatedAt >= evaluateEveryMs) {
        this.#isAsked = false
        this.#evaluatedAt = now()
        await this.#tell(async () => {
          this.#last = await evaluateAll(this.#options)
        })
      }
      if (ledger.catalog.isLarge) await this.#tell(async () => await ledger.catalog.compact())
      this.#wake = createEvent({ name: 'placement has something to do' })
      if (!this.#isAsked) await moveOnAfter(intervalMs, async () => await this.#wake.wait())
    }
  }

  async #verifyOnAndOn(signal: AbortSignal): Promise<never> {
    const { verification, intervalMs } = this.#options
    for (;;) {
      await this.#tell(async () => {
        const failure = await verification.turn(signal)
        if (failure !== undefined) throw failure
      })
      await sleep(intervalMs)
    }
  }

  /** What fails is told in `stats()`, and tried again with the next turn. */
  async #tell(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throwIfCancelled()
      this.#lastFailure = error instanceof Error ? error.message : String(error)
    }
  }
}
