/** Runs operations: whose turn it is, by lane, as many at once as there may be, each of them by one holder. */
import {
  type CapacityLimiter,
  createCapacityLimiter,
  createEvent,
  moveOnAfter,
  now,
  type Event,
  type Owner,
  type Permit,
} from '@ipfs-kit/concurrency'
import type { Appender } from './append-operations.ts'
import { Attempt } from './attempt.ts'
import { backoffMs, type Backoff } from './backoff.ts'
import { Breaker, type BackendOptions } from './breaker.ts'
import type { Calls } from './calls.ts'
import { WalError } from './errors.ts'
import { Lane } from './lane.ts'
import type { Ledger } from './ledger.ts'
import type { Admission } from './new-operation.ts'
import { isFinished, ownLane, type LoggedOperation } from './operation.ts'
import { perform, type AttemptOutcome, type PerformOptions } from './perform.ts'
import { publishStuck } from './reports.ts'
import type { BackendHealth } from './wal.ts'

/** What an executor is made of. */
export interface ExecutorOptions {
  readonly ledger: Ledger
  readonly appender: Appender
  readonly calls: Calls
  /** Of waits for time and probes. */
  readonly watch: Owner
  readonly admission: Admission
  readonly backends: { readonly [name: string]: BackendOptions }
  readonly isOn: boolean
  readonly concurrency: number
  readonly laneLimit: number
  readonly windowSize: number
  readonly backoff: Backoff
  readonly progressMs: number
  readonly lookMs: number
  readonly stuckMs: number
  readonly maxResultBytes: number
  /** The state of a backend has changed. */
  readonly onBackend: (health: BackendHealth) => void
  readonly onProgress: (operation: LoggedOperation) => void
}

/** How long it rests when the disk takes nothing. */
const restMs = 1000
/** Operations that expire in one go. */
const expiredAtOnce = 1000

export class Executor {
  readonly #options: ExecutorOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #total: CapacityLimiter
  readonly #performing: PerformOptions
  readonly #running = new Map<number, Attempt>()
  /** Lanes that found no room in all, the longest waiting first. */
  readonly #hungry = new Set<Lane>()
  /** Lanes whose index is being waited for. */
  readonly #filling = new Set<Lane>()
  #isDraining = false
  #idle: Event | undefined
  #restUntil = -Infinity
  #wake: Event = createEvent({ name: 'something is due earlier' })
  #sleepsUntil = Infinity
  #nextExpiryAt = Infinity
  #lookedAt: number

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#total = createCapacityLimiter(options.concurrency, { name: 'attempts in all' })
    this.#lookedAt = now()
    this.#performing = {
      ...options,
      backoffMs: (failures) => backoffMs(options.backoff, failures),
      isDraining: () => this.#isDraining,
    }
  }

  /** Begins with what is there. */
  open(): void {
    const { ledger, watch, isOn, backends } = this.#options
    for (const name of Object.keys(backends)) this.#lane(name)
    if (!isOn) return
    ledger.store.index.onReady = (name) => {
      const lane = this.#lane(name)
      lane.markStale()
      this.#pump(lane)
    }
    this.#look()
    watch.spawn(() => this.#keepTime(), { name: 'times of operations' })
  }

  get running(): number {
    return this.#running.size
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Attempts whose handlers go on long after they were cancelled. */
  get stuck(): number {
    return [...this.#running.values()].filter(({ stoppingMs }) => stoppingMs > this.#options.stuckMs).length
  }

  get health(): BackendHealth[] {
    const named = [...this.#lanes.values()].filter(({ breaker }) => breaker !== undefined)
    return named.map((lane) => this.#healthOf(lane))
  }

  /** The attempt that has an operation. */
  attemptOf(id: number): Attempt | undefined {
    return this.#running.get(id)
  }

  /** A running operation with what its handler has told so far. */
  shown(id: number): LoggedOperation | undefined {
    return this.#running.get(id)?.context?.shown
  }

  /** An operation has changed, or its turn was given back. */
  changed(operation: LoggedOperation): void {
    if (!this.#options.isOn) return
    const lane = this.#lane(operation.backend ?? ownLane)
    const { expiresAt } = operation
    if (expiresAt !== undefined && !isFinished(operation))
      this.#nextExpiryAt = Math.min(this.#nextExpiryAt, expiresAt)
    lane.update(operation)
    this.#pump(lane)
    this.#wakeBy(Math.min(lane.nextDueAt, this.#nextExpiryAt))
  }

  /** @throws WalError WAL_NOT_FOUND; the reason of the signal */
  async probe(name: string, signal: AbortSignal | undefined): Promise<BackendHealth> {
    const lane = this.#lanes.get(name)
    if (lane?.breaker === undefined)
      throw new WalError('WAL_NOT_FOUND', `There is no backend ${JSON.stringify(name)}`)
    await lane.breaker.probe(signal)
    return this.#healthOf(lane)
  }

  /** Begins nothing any more; what runs has so long to end, then it is cancelled; resolves when all of it has ended. */
  async drain(drainMs: number): Promise<void> {
    this.#isDraining = true
    this.#options.ledger.store.index.onReady = undefined
    const idle = createEvent({ name: 'end of all attempts' })
    this.#idle = idle
    if (this.#running.size === 0) return
    const isOver = await moveOnAfter(drainMs, async () => {
      await idle.wait()
      return true
    })
    if (isOver === true) return
    for (const attempt of this.#running.values()) attempt.request({ kind: 'drain' })
    await idle.wait()
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name)
    if (known !== undefined) return known
    const { ledger, backends, laneLimit, windowSize, watch } = this.#options
    const options = Object.hasOwn(backends, name) ? backends[name]! : {}
    const breaker =
      name === ownLane
        ? undefined
        : new Breaker({
            backend: name,
            owner: watch,
            clock: ledger.clock,
            options,
            onOpen: () => this.#pump(lane),
            onChange: () => this.#options.onBackend(this.#healthOf(lane)),
          })
    const lane: Lane = new Lane({
      name,
      ledger,
      limit: options.limit ?? laneLimit,
      windowSize,
      breaker,
      isRunning: (id) => this.#running.has(id),
    })
    this.#lanes.set(name, lane)
    return lane
  }

  #healthOf({ breaker, limiter }: Lane): BackendHealth {
    const { borrowed, total } = limiter.stats()
    return Object.freeze({ ...breaker!.health, running: borrowed, limit: total })
  }

  get #mayBegin(): boolean {
    const { ledger, isOn } = this.#options
    return isOn && !this.#isDraining && ledger.failure === undefined && now() >= this.#restUntil
  }

  /** Begins what may begin in a lane. */
  #pump(lane: Lane): void {
    if (!this.#mayBegin) return
    if (lane.refillFrom !== undefined) this.#refill(lane)
    for (let next = lane.first(); next !== undefined; next = lane.first()) {
      if (lane.breaker?.lets === false) return
      if (this.#options.ledger.isInTurn(next.id) || this.#running.has(next.id)) {
        // Whoever has it tells when that is over.
        lane.take(next.id)
        continue
      }
      const permits = this.#permits(lane, next)
      if (permits === undefined) return
      lane.take(next.id)
      this.#begin(lane, next, permits)
      if (lane.refillFrom !== undefined) this.#refill(lane)
    }
  }

  #permits(lane: Lane, borrower: LoggedOperation): readonly Permit[] | undefined {
    const own = lane.limiter.tryAcquire({ borrower })
    if (own === undefined) return undefined
    const inAll = this.#total.tryAcquire({ borrower })
    if (inAll !== undefined) return [own, inAll]
    own.release()
    this.#hungry.add(lane)
    return undefined
  }

  /** Asks the index for more, once it knows of what the lane does not hold. */
  #refill(lane: Lane): void {
    const { ledger, watch } = this.#options
    const from = lane.refillFrom!
    if (from <= ledger.store.index.appliedLsn) {
      lane.refill()
      this.#wakeBy(lane.nextDueAt)
      return
    }
    if (this.#filling.has(lane)) return
    this.#filling.add(lane)
    const fill = async (): Promise<void> => {
      try {
        await ledger.store.index.applied(from)
        lane.refill()
      } finally {
        this.#filling.delete(lane)
      }
      this.#pump(lane)
      this.#wakeBy(lane.nextDueAt)
    }
    watch.spawn(fill, { name: 'pending operations of a lane' })
  }

  #begin(lane: Lane, operation: LoggedOperation, permits: readonly Permit[]): void {
    const attempt = new Attempt(operation)
    this.#running.set(operation.id, attempt)
    const work = async (): Promise<void> => {
      let outcome: AttemptOutcome = 'nothing'
      lane.breaker?.began()
      try {
        outcome = await perform(attempt, this.#performing)
      } catch (error) {
        if (!(error instanceof WalError)) throw error
        // It goes on when the disk takes something again, or when the log is opened again.
        this.#rest(lane)
      } finally {
        this.#running.delete(operation.id)
        attempt.ended.set()
        for (const permit of permits) permit.release()
        lane.breaker?.ended(outcome)
        this.#afterAttempt(lane, operation.id)
      }
    }
    this.#options.calls.spawn(work, 'attempt')
  }

  #afterAttempt(lane: Lane, id: number): void {
    const operation = this.#options.ledger.load(id)
    // It may be pending again: it was passed over while the attempt had it.
    if (operation !== undefined) lane.update(operation)
    for (const hungry of this.#hungry) {
      this.#hungry.delete(hungry)
      this.#pump(hungry)
      break
    }
    this.#pump(lane)
    this.#wakeBy(lane.nextDueAt)
    if (this.#running.size === 0) this.#idle?.set()
  }

  /** The disk takes nothing just now. */
  #rest(lane: Lane): void {
    lane.markStale()
    this.#restUntil = now() + restMs
    this.#wakeBy(this.#options.ledger.clock() + restMs)
  }

  /** Sees to what is due, and looks at everything now and then, since clocks jump. */
  async #keepTime(): Promise<void> {
    const { ledger, lookMs } = this.#options
    for (;;) {
      const wake = createEvent({ name: 'something is due earlier' })
      this.#wake = wake
      const time = ledger.clock()
      const lanes = [...this.#lanes.values()]
      const dueAt = Math.min(this.#nextExpiryAt, ...lanes.map(({ nextDueAt }) => nextDueAt))
      const isResting = this.#restUntil > now()
      const waitMs = Math.min(
        isResting ? this.#restUntil - now() : dueAt - time,
        Math.max(0, this.#lookedAt + lookMs - now()),
      )
      this.#sleepsUntil = time + waitMs
      await moveOnAfter(Math.max(0, waitMs), () => wake.wait())
      if (now() >= this.#lookedAt + lookMs) this.#look()
      else this.#seeToDue()
    }
  }

  /** Wakes the keeper of time, if it would sleep too long. */
  #wakeBy(time: number): void {
    if (time < this.#sleepsUntil) this.#wake.set()
  }

  #seeToDue(): void {
    const time = this.#options.ledger.clock()
    for (const lane of this.#lanes.values()) {
      if (lane.nextDueAt <= time) {
        lane.nextDueAt = Infinity
        lane.markStale()
      }
      this.#pump(lane)
    }
    if (this.#nextExpiryAt <= time) this.#expire()
  }

  /** Looks at all lanes of the index, at what has expired, at far-off retries and at handlers that do not end. */
  #look(): void {
    const { ledger, backends, stuckMs } = this.#options
    this.#lookedAt = now()
    for (const [name, lane] of this.#lanes) {
      const isIdle =
        lane.isEmpty && lane.limiter.stats().borrowed === 0 && lane.breaker?.health.state !== 'offline'
      if (isIdle && !Object.hasOwn(backends, name)) this.#lanes.delete(name)
    }
    for (const name of ledger.store.index.lanes()) {
      const lane = this.#lane(name)
      lane.markStale()
      lane.takeFarOff(this.#options.backoff.maxMs)
    }
    this.#nextExpiryAt = -Infinity
    this.#seeToDue()
    for (const attempt of this.#running.values()) {
      if (attempt.isToldStuck || attempt.stoppingMs <= stuckMs) continue
      attempt.isToldStuck = true
      publishStuck(attempt.operation)
    }
  }

  /** Fails what has not ended in time; a running attempt has a deadline of its own. */
  #expire(): void {
    const { ledger, calls } = this.#options
    this.#nextExpiryAt = Infinity
    const ids = ledger.store.index
      .expired(ledger.clock(), expiredAtOnce)
      .filter((id) => !this.#running.has(id))
    if (ids.length === 0) return
    const work = async (): Promise<void> => {
      for (const id of ids) await this.#expireOne(id)
    }
    calls.spawn(work, 'operations that expired')
  }

  async #expireOne(id: number): Promise<void> {
    const { ledger } = this.#options
    using _turn = await ledger.turn(id)
    const operation = ledger.load(id)
    if (operation === undefined || isFinished(operation) || this.#running.has(id)) return
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
