/** Fails what has not ended in time. */
import type { Calls } from './calls.ts'
import { WalError } from './errors.ts'
import type { Ledger } from './ledger.ts'
import { isFinished, type LoggedOperation } from './operation.ts'

/** What expiry needs. */
export interface ExpiryOptions {
  readonly ledger: Ledger
  readonly calls: Calls
  /** Whether an attempt has an operation. */
  readonly isRunning: (id: number) => boolean
}

/** Operations that expire in one go. */
const expiredAtOnce = 1000

export class Expiry {
  readonly #options: ExpiryOptions
  /** When to look next, on the clock of the wall. */
  nextAt = Infinity

  constructor(options: ExpiryOptions) {
    this.#options = options
  }

  /** An operation has changed. */
  update(operation: LoggedOperation): void {
    const { expiresAt } = operation
    if (expiresAt !== undefined && !isFinished(operation)) this.nextAt = Math.min(this.nextAt, expiresAt)
  }

  /** Fails what has not ended in time; a running attempt has a deadline of its own. */
  expire(): void {
    const { ledger, calls, isRunning } = this.#options
    this.nextAt = Infinity
    const ids = ledger.store.index.expired(ledger.clock(), expiredAtOnce).filter((id) => !isRunning(id))
    if (ids.length === 0) return
    const work = async (): Promise<void> => {
      for (const id of ids) await this.#expireOne(id)
    }
    calls.spawn(work, 'operations that expired')
  }

  async #expireOne(id: number): Promise<void> {
    const { ledger, isRunning } = this.#options
    using _turn = await ledger.turn(id)
    const operation = ledger.load(id)
    if (operation === undefined || isFinished(operation) || isRunning(id)) return
    const { expiresAt = Infinity } = operation
    if (expiresAt > ledger.clock()) return
    try {
      await ledger.change(operation, [
        { kind: 'fail', failure: { code: 'WAL_EXPIRED', message: 'It has not ended in time' } },
      ])
    } catch (error) {
      // The next look finds it again.
      if (!(error instanceof WalError)) throw error
    }
  }
}
