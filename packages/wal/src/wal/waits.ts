/** Those who wait for the end of operations. */
import { suspend } from '@ipfs-kit/concurrency'
import { WalError } from '../errors.ts'
import { isFinished, type LoggedOperation } from '../store/operation.ts'

/** One who waits. */
interface Waiter {
  readonly resolve: (operation: LoggedOperation) => void
  readonly reject: (error: unknown) => void
}

export class Waits {
  readonly #waiters = new Map<number, Waiter[]>()

  /** Waits for the end of an operation that has not ended. */
  wait(id: number, signal: AbortSignal | undefined): Promise<LoggedOperation> {
    return suspend<LoggedOperation>(
      (waiter) => {
        const waiters = this.#waiters.get(id)
        if (waiters === undefined) this.#waiters.set(id, [waiter])
        else waiters.push(waiter)
        return () => this.#leave(id, waiter)
      },
      { signal, what: 'end of an operation' },
    )
  }

  #leave(id: number, waiter: Waiter): void {
    const others = this.#waiters.get(id)?.filter((other) => other !== waiter) ?? []
    if (others.length > 0) this.#waiters.set(id, others)
    else this.#waiters.delete(id)
  }

  changed(operation: LoggedOperation): void {
    const waiters = this.#waiters.get(operation.id)
    if (waiters === undefined || !isFinished(operation)) return
    this.#waiters.delete(operation.id)
    for (const { resolve } of waiters) resolve(operation)
  }

  /** The log is closed. */
  end(): void {
    const error = new WalError('WAL_CLOSED', 'The log of operations is closed')
    for (const waiters of this.#waiters.values()) for (const { reject } of waiters) reject(error)
    this.#waiters.clear()
  }
}
