/** Fails what has not ended in time. */
import { taskGroup } from '@ipfs-kit/concurrency'
import type { Calls } from '../wal/calls.ts'
import { WalError } from '../errors.ts'
import type { Ledger } from '../wal/ledger.ts'
import { isFinished, type LoggedOperation } from '../store/operation.ts'

/** What expiry needs. */
export interface ExpiryOptions {
  readonly ledger: Ledger
  readonly calls: Calls
  /** Whether an attempt has an operation. */
  readonly isRunning: (id: number) => boolean
  /** Whether the log is being closed: the next opening goes on. */
  readonly isDraining: () => boolean
  /** Told when to look next. */
  readonly onDue: (time: number) => void
}

/** Operations that expire in one go. */
const expiredAtOnce = 1000

export class Expiry {
  readonly #options: ExpiryOptions
  #isExpiring = false
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
    this.nextAt = Infinity
    if (this.#isExpiring) return
    const ids = this.#over()
    if (ids.length === 0) {
      this.#lookAhead()
      return
    }
    this.#isExpiring = true
    this.#options.calls.spawn(() => this.#run(ids), 'operations that expired')
  }

  async #run(first: readonly number[]): Promise<void> {
    const { ledger, isDraining } = this.#options
    try {
      for (let ids = first; ids.length > 0 && !isDraining(); ids = this.#over()) {
        let ended = 0
        await taskGroup((group) => {
          for (const id of ids) {
            group.spawn(async () => {
              if (await this.#expireOne(id)) ended += 1
            })
          }
        })
        if (ended === 0) break
        await ledger.applied()
      }
      this.#lookAhead()
    } catch (error) {
      // The next look finds them again.
      if (!(error instanceof WalError)) throw error
    } finally {
      this.#isExpiring = false
    }
  }

  /** What has expired, and no attempt has. */
  #over(): number[] {
    const { ledger, isRunning } = this.#options
    return ledger.store.index.expired(ledger.clock(), expiredAtOnce).filter((id) => !isRunning(id))
  }

  /** Notes when the next one expires. */
  #lookAhead(): void {
    const { ledger, onDue } = this.#options
    const next = ledger.store.index.nextExpiry(ledger.clock())
    if (next === undefined) return
    this.nextAt = Math.min(this.nextAt, next)
    onDue(this.nextAt)
  }

  /** Whether it was ended. */
  async #expireOne(id: number): Promise<boolean> {
    const { ledger, isRunning } = this.#options
    using _turn = await ledger.turn(id)
    const operation = ledger.load(id)
    if (operation === undefined || isFinished(operation) || isRunning(id)) return false
    const { expiresAt = Infinity } = operation
    if (expiresAt > ledger.clock()) return false
    try {
      await ledger.change(operation, [
        { kind: 'fail', failure: { code: 'WAL_EXPIRED', message: 'It has not ended in time' } },
      ])
      return true
    } catch (error) {
      // The next look finds it again.
      if (!(error instanceof WalError)) throw error
      return false
    }
  }
}
