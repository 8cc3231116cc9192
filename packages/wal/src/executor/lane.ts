/**
 * The pending operations of one backend. A bounded window of them is in memory; what does not fit stays in the index, which
 * the window is filled from again.
 */
import { createCapacityLimiter, type CapacityLimiter } from '@ipfs-kit/concurrency'
import type { Breaker } from './breaker.ts'
import type { Ledger } from '../wal/ledger.ts'
import { isPending, type LoggedOperation } from '../store/operation.ts'
import { byTurn, TurnQueue } from './turn-queue.ts'

/** What a lane is made of. */
export interface LaneOptions {
  readonly name: string
  readonly ledger: Ledger
  readonly limit: number
  readonly windowSize: number
  readonly breaker: Breaker | undefined
  /** Whether an attempt has an operation. */
  readonly isRunning: (id: number) => boolean
}

/** So many new operations may go beside those that are tried again. */
const maxFresh = 64

export class Lane {
  readonly name: string
  readonly limiter: CapacityLimiter
  readonly breaker: Breaker | undefined
  /** When the next operation is due that is not due now, on the clock of the wall. */
  nextDueAt = Infinity
  readonly #options: LaneOptions
  readonly #queue: TurnQueue
  /**
   * New operations that come while the window is full of others that are tried again, as after a crash that has interrupted
   * many: of one priority, these and those take turns.
   */
  readonly #fresh = new TurnQueue(maxFresh)
  #isFreshTurn = true
  /** The index has to be asked, whatever the window holds. */
  #isStale = true
  /** What is not in the window and was changed up to this LSN: the index does not know of it before. */
  #neededLsn = 0
  /** The newest that waits for others: what has become of those is asked again once the index knows of it. */
  #waitingLsn = 0
  #farOffBefore = Number.MAX_SAFE_INTEGER
  /** The best of those that did not fit since the index was asked. */
  #leftOut: LoggedOperation | undefined

  constructor(options: LaneOptions) {
    const { name, limit, windowSize, breaker } = options
    this.#options = options
    this.name = name
    this.limiter = createCapacityLimiter(limit, { name: `attempts of ${name || 'no backend'}` })
    this.breaker = breaker
    this.#queue = new TurnQueue(windowSize)
  }

  get isEmpty(): boolean {
    return (
      this.#queue.size + this.#fresh.size === 0 &&
      !this.#isStale &&
      !this.#queue.isCut &&
      this.nextDueAt === Infinity
    )
  }

  /** Whether nobody waits for a turn: one that comes may begin at once. */
  get isFree(): boolean {
    return this.refillFrom === undefined && this.first() === undefined
  }

  /** The LSN that the index has to have before it is asked; undefined if it need not be asked. */
  get refillFrom(): number | undefined {
    const { windowSize } = this.#options
    const isLow = this.#queue.isCut && this.#queue.size <= windowSize / 4
    return this.#isStale || isLow ? this.#neededLsn : undefined
  }

  /** The index knows of something that the lane does not. */
  markStale(): void {
    this.#isStale = true
  }

  /** An operation of this lane has changed. */
  update(operation: LoggedOperation): void {
    this.#remove(operation.id)
    const { state, paused, waitingFor, lsn } = operation
    if (isPending(operation)) {
      this.#offer(operation)
    } else if ((state === 'queued' || state === 'retrying') && !paused && waitingFor > 0) {
      // What it waits for may have ended while this was written: then nobody tells of it any more.
      this.#neededLsn = Math.max(this.#neededLsn, lsn)
      this.#waitingLsn = Math.max(this.#waitingLsn, lsn)
      this.#isStale = true
    }
  }

  /**
   * Takes operations that are due later than they can be, since the clock of the wall has gone back: those that retry later than
   * any backoff says, and queued ones that nobody asked to begin later. Looks at a page of them each time.
   */
  takeFarOff(maxBackoffMs: number): void {
    const { name, ledger, isRunning } = this.#options
    const { index } = ledger.store
    const time = ledger.clock()
    if (index.nextDue(name, time) === undefined) return
    const page = index.list({
      states: ['queued', 'retrying'],
      backends: [name],
      before: this.#farOffBefore,
      limit: 1000,
    })
    this.#farOffBefore = page.length < 1000 ? Number.MAX_SAFE_INTEGER : page.at(-1)!.id
    for (const operation of page) {
      const { id, state, dueAt, createdAt, attemptCount } = operation
      const wasDue = attemptCount > 0 || dueAt <= createdAt
      const isFarOff = state === 'retrying' ? dueAt > time + maxBackoffMs : wasDue && dueAt > time
      if (!isFarOff || !isPending(operation)) continue
      if (ledger.isApplied(id) && !ledger.isInTurn(id) && !isRunning(id)) this.#add(operation)
    }
  }

  /** Asks the index. */
  refill(): void {
    const { name, ledger, windowSize, isRunning } = this.#options
    const { index } = ledger.store
    const time = ledger.clock()
    const found = index.due(name, time, windowSize)
    this.#queue.unlimit()
    // It may have come while an older record was waited for.
    this.#isStale = this.#waitingLsn > index.appliedLsn
    const isApplied = this.#neededLsn <= index.appliedLsn
    if (isApplied) this.#leftOut = undefined
    if (found.length === windowSize) this.#queue.limitTo(found.pop()!)
    if (this.#leftOut !== undefined) this.#queue.limitTo(this.#leftOut)
    for (const operation of found) {
      const { id } = operation
      // What has changed since the index looked is in the window already, if it is pending still.
      if (ledger.isApplied(id) && !ledger.isInTurn(id) && !isRunning(id)) this.#add(operation)
    }
    const later = index.nextDue(name, time) ?? Infinity
    this.nextDueAt = isApplied ? later : Math.min(later, this.nextDueAt)
  }

  first(): LoggedOperation | undefined {
    const next = this.#queue.first()
    const fresh = this.#fresh.first()
    if (next === undefined || fresh === undefined) return next ?? fresh
    const isItsTurn = this.#isFreshTurn && next.state === 'retrying' && fresh.priority >= next.priority
    return isItsTurn ? fresh : next
  }

  take(id: number): void {
    this.#isFreshTurn = !this.#isFreshTurn
    this.#remove(id)
  }

  #remove(id: number): void {
    this.#queue.remove(id)
    this.#fresh.remove(id)
  }

  #offer(operation: LoggedOperation): void {
    const { dueAt, lsn } = operation
    if (dueAt <= this.#options.ledger.clock()) {
      this.#add(operation)
    } else {
      this.#neededLsn = Math.max(this.#neededLsn, lsn)
      this.nextDueAt = Math.min(this.nextDueAt, dueAt)
    }
  }

  #add(operation: LoggedOperation): void {
    this.#fresh.remove(operation.id)
    for (const left of this.#queue.add(operation)) {
      const isFresh = left.state === 'queued' && this.#queue.first()?.state === 'retrying'
      if (isFresh && this.#fresh.size < maxFresh) this.#fresh.add(left)
      this.#neededLsn = Math.max(this.#neededLsn, left.lsn)
      if (this.#leftOut === undefined || byTurn(left, this.#leftOut) < 0) this.#leftOut = left
    }
  }
}
