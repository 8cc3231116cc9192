/** A capacity limiter: at most so many at once, one for each borrower, with a total that can change. */
import { nodeOf } from './ambient.ts'
import { checkCount, checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import { HeldPermit, type Permit, type PermitSource } from './permit.ts'
import { ScopeNode } from './scope-node.ts'
import type { WaitOptions } from './scope.ts'
import type { NamedOptions } from './semaphore.ts'
import { taskAround } from './task-around.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal } from './wait-options.ts'
import { failed, park, ready, refuse } from './wait.ts'

/** Options of borrowing. */
export interface BorrowOptions extends WaitOptions {
  /**
   * For whom the token is: anything that has an identity, or a text. Default: the task that asks; outside any task, each call
   * is a borrower of its own.
   */
  readonly borrower?: unknown
}

/** A frozen look at a capacity limiter. */
export interface CapacityLimiterStats {
  /** Tokens that may be out at once. */
  readonly total: number
  /** Tokens that are out. More than `total` after it was lowered, until they are given back. */
  readonly borrowed: number
  /** Tokens that can be had now, never negative. */
  readonly available: number
  /** The names of those who hold one, oldest first. */
  readonly borrowers: readonly string[]
  /** Waits for a token. */
  readonly waiting: number
}

/**
 * Tokens for borrowers, one for each. A token that is given back goes to the one who waits longest, and to nobody in between.
 */
export interface CapacityLimiter {
  readonly name: string
  /**
   * Tokens that may be out at once: a whole number from 0 up; 0 lets nobody in. Raising it lets those in who wait. Lowering it
   * takes nothing away: there are no new tokens until enough have come back. Setting it throws a RangeError if it is none.
   */
  total: number
  /** Tokens that can be had now. */
  readonly available: number
  /**
   * Waits for a token. A wait that is cancelled leaves the queue at once and takes none.
   *
   * @throws ConcurrencyError CONCURRENCY_HELD_ALREADY if the borrower holds a token or waits for one
   */
  acquire(options?: BorrowOptions): Promise<Permit>
  /**
   * A token if one can be had, else `undefined`. Does not wait, and does not ask whether the scope is cancelled.
   *
   * @throws ConcurrencyError CONCURRENCY_HELD_ALREADY as `acquire` rejects
   */
  tryAcquire(options?: Omit<BorrowOptions, 'signal'>): Permit | undefined
  stats(): CapacityLimiterStats
}

class TokenLimiter implements CapacityLimiter, PermitSource {
  readonly name: string
  #total: number
  readonly #holding = new Set<unknown>()
  readonly #waiting = new Set<unknown>()
  /** Waits with the borrower as payload. */
  readonly #queue = new WaitQueue((wait) => void this.#waiting.delete(wait.payload))

  constructor(total: number, name: string) {
    this.#total = total
    this.name = name
  }

  get total(): number {
    return this.#total
  }

  set total(total: number) {
    checkCount(total, 'total', 0)
    this.#total = total
    this.#grant()
  }

  get available(): number {
    return Math.max(0, this.#total - this.#holding.size)
  }

  acquire(options?: BorrowOptions): Promise<Permit> {
    checkOptions(options, ['borrower', 'scope', 'signal'])
    if (options?.signal !== undefined) return underSignal(options, async (inner) => await this.acquire(inner))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'capacity limiter', this)
    const borrower = borrowerOf(scope, options)
    const refusal = this.#refusal(borrower)
    if (refusal !== undefined) return failed(scope, 'capacity limiter', this, refusal)
    if (this.available > 0) return ready(scope, 'capacity limiter', this, this.#lend(borrower))
    const wait = park<Permit>(scope, 'capacity limiter', this)
    wait.payload = borrower
    this.#waiting.add(borrower)
    this.#queue.add(wait)
    return wait.promise
  }

  tryAcquire(options?: Omit<BorrowOptions, 'signal'>): Permit | undefined {
    checkOptions(options, ['borrower', 'scope'])
    const borrower = borrowerOf(nodeOf(options?.scope), options)
    const refusal = this.#refusal(borrower)
    if (refusal !== undefined) throw refusal
    return this.available > 0 ? this.#lend(borrower) : undefined
  }

  giveBack(permit: HeldPermit): void {
    this.#holding.delete(permit.holder)
    this.#grant()
  }

  stats(): CapacityLimiterStats {
    return Object.freeze({
      total: this.#total,
      borrowed: this.#holding.size,
      available: this.available,
      borrowers: Object.freeze([...this.#holding].map(nameOfBorrower)),
      waiting: this.#queue.size,
    })
  }

  /** Lets those in who wait longest, as far as there are tokens. */
  #grant(): void {
    for (let next = this.#queue.first; next !== undefined; next = this.#queue.first) {
      if (this.available === 0) return
      this.#waiting.delete(next.payload)
      next.succeed(this.#lend(next.payload))
    }
  }

  #lend(borrower: unknown): HeldPermit {
    this.#holding.add(borrower)
    return new HeldPermit(this, borrower)
  }

  #refusal(borrower: unknown): ConcurrencyError | undefined {
    const holds = this.#holding.has(borrower)
    if (!holds && !this.#waiting.has(borrower)) return undefined
    return new ConcurrencyError(
      'CONCURRENCY_HELD_ALREADY',
      `${titleOfBorrower(borrower)} ${holds ? 'holds' : 'waits for'} a token of "${this.name}" already`,
    )
  }
}

function borrowerOf(scope: ScopeNode, options: BorrowOptions | undefined): unknown {
  return options?.borrower ?? taskAround(scope) ?? {}
}

function nameOfBorrower(borrower: unknown): string {
  if (typeof borrower !== 'object' || borrower === null) return String(borrower)
  const { name } = borrower as { name?: unknown }
  return typeof name === 'string' ? name : 'anonymous'
}

function titleOfBorrower(borrower: unknown): string {
  return borrower instanceof ScopeNode ? borrower.title : `borrower "${nameOfBorrower(borrower)}"`
}

/**
 * Makes a capacity limiter.
 *
 * @param total - tokens that may be out at once: a whole number from 0 up
 * @throws RangeError if it is none
 */
export function createCapacityLimiter(total: number, options?: NamedOptions): CapacityLimiter {
  checkCount(total, 'total', 0)
  checkOptions(options, ['name'])
  return new TokenLimiter(total, options?.name ?? 'capacity limiter')
}
