/** Runs operations: begins what is due, sees to times that come, and tells how it stands. */
import { createEvent, moveOnAfter, now, type Event } from '@ipfs-kit/concurrency'
import type { Attempt } from './attempt.ts'
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts'
import { Expiry } from './expiry.ts'
import { Lanes, type LanesOptions } from './lanes.ts'
import { ownLane, type LoggedOperation } from '../store/operation.ts'
import { publishStuck } from '../reports.ts'
import type { Claim } from '../wal/ledger.ts'
import type { AddRecord } from '../wal/new-operation.ts'
import type { BackendHealth } from '../wal/wal.ts'

/** What an executor is made of. */
export interface ExecutorOptions
  extends Omit<DispatcherOptions, 'onDue'>, Omit<LanesOptions, 'isRunning' | 'onOpen'> {
  readonly lookMs: number
  readonly stuckMs: number
}

export class Executor {
  readonly #options: ExecutorOptions
  readonly #lanes: Lanes
  readonly #dispatcher: Dispatcher
  readonly #expiry: Expiry
  #wake: Event = createEvent({ name: 'something is due earlier' })
  #sleepsUntil = Infinity
  #lookedAt: number

  constructor(options: ExecutorOptions) {
    this.#options = options
    const isRunning = (id: number): boolean => this.#dispatcher.running.has(id)
    this.#dispatcher = new Dispatcher({ ...options, onDue: (time) => this.#wakeBy(time) })
    this.#expiry = new Expiry({
      ...options,
      isRunning,
      isDraining: () => this.#dispatcher.isDraining,
      onDue: (time) => this.#wakeBy(time),
    })
    this.#lanes = new Lanes({ ...options, isRunning, onOpen: (lane) => this.#dispatcher.pump(lane) })
    this.#lookedAt = now()
  }

  /** Begins with what is there. */
  open(): void {
    const { ledger, watch, isOn } = this.#options
    if (!isOn) return
    ledger.store.index.onReady = (name) => {
      const lane = this.#lanes.lane(name)
      lane.markStale()
      try {
        this.#dispatcher.pump(lane)
      } catch (error) {
        ledger.stop(error)
      }
    }
    this.#look()
    watch.spawn(() => this.#keepTime(), { name: 'times of operations' })
  }

  get running(): number {
    return this.#dispatcher.running.size
  }

  get isDraining(): boolean {
    return this.#dispatcher.isDraining
  }

  /** Attempts whose handlers go on long after they were cancelled. */
  get stuck(): number {
    const { stuckMs } = this.#options
    return [...this.#dispatcher.running.values()].filter(({ stoppingMs }) => stoppingMs > stuckMs).length
  }

  get health(): BackendHealth[] {
    return this.#lanes.health
  }

  /** Whether the running code is that of a handler. */
  get isAroundCaller(): boolean {
    return [...this.#dispatcher.running.values()].some((attempt) => attempt.isAroundCaller)
  }

  /** The attempt that has an operation. */
  attemptOf(id: number): Attempt | undefined {
    return this.#dispatcher.running.get(id)
  }

  /** A running operation with what its handler has told so far. */
  shown(id: number): LoggedOperation | undefined {
    return this.#dispatcher.running.get(id)?.context?.shown
  }

  /** Room for an operation that is about to be promised, if it may begin at once. */
  claim(record: AddRecord): Claim | undefined {
    const { isOn, ledger } = this.#options
    const { backend = ownLane, notBefore = 0, expiresAt = Infinity, after, before = [] } = record
    const time = ledger.clock()
    if (!isOn || notBefore > time || expiresAt <= time || after.length + before.length > 0) return undefined
    return this.#dispatcher.claim(this.#lanes.lane(backend), record)
  }

  /** An operation has changed, or its turn was given back. */
  changed(operation: LoggedOperation): void {
    if (!this.#options.isOn) return
    const lane = this.#lanes.lane(operation.backend ?? ownLane)
    this.#expiry.update(operation)
    lane.update(operation)
    this.#dispatcher.pump(lane)
    this.#wakeBy(Math.min(lane.nextDueAt, this.#expiry.nextAt))
  }

  /** @throws WalError WAL_NOT_FOUND; the reason of the signal */
  async probe(name: string, signal: AbortSignal | undefined): Promise<BackendHealth> {
    return await this.#lanes.probe(name, signal)
  }

  /** Begins nothing any more; what runs has so long to end, then it is cancelled; resolves when all of it has ended. */
  async drain(drainMs: number): Promise<void> {
    this.#options.ledger.store.index.onReady = undefined
    await this.#dispatcher.drain(drainMs)
  }

  /** Sees to what is due, and looks at everything now and then, since clocks jump. */
  async #keepTime(): Promise<void> {
    const { ledger, lookMs } = this.#options
    for (;;) {
      const wake = createEvent({ name: 'something is due earlier' })
      this.#wake = wake
      const time = ledger.clock()
      const dueAt = Math.min(this.#expiry.nextAt, this.#lanes.nextDueAt)
      const { restUntil } = this.#dispatcher
      const isResting = restUntil > now()
      const waitMs = Math.min(
        isResting ? restUntil - now() : dueAt - time,
        Math.max(0, this.#lookedAt + lookMs - now()),
      )
      this.#sleepsUntil = time + waitMs
      await moveOnAfter(Math.max(0, waitMs), () => wake.wait())
      try {
        if (now() >= this.#lookedAt + lookMs) this.#look()
        else this.#seeToDue()
      } catch (error) {
        // The index cannot be read any more.
        ledger.stop(error)
        return
      }
    }
  }

  /** Wakes the keeper of time, if it would sleep too long. */
  #wakeBy(time: number): void {
    if (time < this.#sleepsUntil) this.#wake.set()
  }

  #seeToDue(): void {
    const time = this.#options.ledger.clock()
    for (const lane of this.#lanes.all) {
      if (lane.nextDueAt <= time) {
        lane.nextDueAt = Infinity
        lane.markStale()
      }
      this.#dispatcher.pump(lane)
    }
    if (this.#expiry.nextAt <= time) this.#expiry.expire()
  }

  /** Looks at all lanes of the index, at what has expired, at far-off retries and at handlers that do not end. */
  #look(): void {
    const { ledger, stuckMs } = this.#options
    this.#lookedAt = now()
    this.#lanes.dropIdle()
    for (const name of ledger.store.index.lanes()) {
      const lane = this.#lanes.lane(name)
      lane.markStale()
      lane.takeFarOff(this.#options.backoff.maxMs)
    }
    this.#expiry.nextAt = -Infinity
    this.#seeToDue()
    for (const attempt of this.#dispatcher.running.values()) {
      if (attempt.isToldStuck || attempt.stoppingMs <= stuckMs) continue
      attempt.isToldStuck = true
      publishStuck(attempt.operation)
    }
  }
}
