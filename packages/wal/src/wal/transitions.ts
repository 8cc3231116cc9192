/** Transitions that somebody asks for: of an operation that waits they are written, an attempt has to end for them. */
import type { Stop } from '../executor/attempt.ts'
import { WalError } from '../errors.ts'
import type { Executor } from '../executor/executor.ts'
import type { Ledger, Unstamped } from './ledger.ts'
import { isFinished, type LoggedOperation } from '../store/operation.ts'

/** What transitions need. */
export interface TransitionsOptions {
  readonly ledger: Ledger
  readonly executor: Pick<Executor, 'attemptOf' | 'changed'>
}

export class Transitions {
  readonly #options: TransitionsOptions

  constructor(options: TransitionsOptions) {
    this.#options = options
  }

  /** @throws WalError WAL_NOT_FOUND */
  load(id: number): LoggedOperation {
    const operation = this.#options.ledger.load(id)
    if (operation !== undefined) return operation
    throw new WalError('WAL_NOT_FOUND', `There is no operation ${id}`)
  }

  /** A transition of an operation that no attempt has; undefined leaves it as it is. */
  async change(
    id: number,
    decide: (operation: LoggedOperation) => Unstamped | undefined,
  ): Promise<LoggedOperation> {
    const { ledger, executor } = this.#options
    try {
      using _turn = await ledger.turn(id)
      const operation = this.load(id)
      const change = decide(operation)
      if (change === undefined) return operation
      const [changed] = await ledger.change(operation, [change])
      return changed
    } finally {
      // It was passed over while its turn was taken.
      const operation = ledger.load(id)
      if (operation !== undefined) executor.changed(operation)
    }
  }

  /** The same of one that has ended: retention leaves it meanwhile. */
  async revive(
    id: number,
    decide: (operation: LoggedOperation) => Unstamped | undefined,
  ): Promise<LoggedOperation> {
    const { index } = this.#options.ledger.store
    using _keeping = index.keep([id])
    await index.retained()
    return await this.change(id, decide)
  }

  /** A transition that an attempt has to end for, which then writes it itself. */
  async stop(
    id: number,
    stop: Exclude<Stop, { kind: 'drain' }>,
    isDone: (operation: LoggedOperation) => boolean,
  ): Promise<LoggedOperation> {
    const { executor } = this.#options
    for (let asked = false; ; asked = true) {
      const attempt = executor.attemptOf(id)
      if (attempt !== undefined) {
        attempt.request(stop)
        await attempt.ended.wait()
        continue
      }
      const operation = this.load(id)
      if (asked && isDone(operation)) return operation
      let isTaken = false
      const result = await this.change(id, (current) => {
        isTaken = executor.attemptOf(id) !== undefined
        if (isTaken) return undefined
        if (isFinished(current)) throw wrongState(current, stop.kind === 'cancel' ? 'cancelled' : 'paused')
        return isDone(current) ? undefined : stop
      })
      if (!isTaken) return result
    }
  }
}

/** It is in a state that does not allow what was asked. */
export function wrongState({ id, state }: LoggedOperation, what: string): WalError {
  return new WalError('WAL_STATE', `Operation ${id} is ${state} and cannot be ${what}`)
}
