/** Begins operations whose turn it is, by lane, as many at once as there may be, each of them by one holder. */
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
import { Attempt } from './attempt.ts'
import { backoffMs, type Backoff } from './backoff.ts'
import type { Calls } from '../wal/calls.ts'
import { WalError } from '../errors.ts'
import type { Lane } from './lane.ts'
import type { LoggedOperation } from '../store/operation.ts'
import { isDiskTrouble, type Claim } from '../wal/ledger.ts'
import { perform, type AttemptOutcome, type PerformOptions } from './perform.ts'

/** What a dispatcher is made of. */
export interface DispatcherOptions extends Omit<PerformOptions, 'backoffMs' | 'isDraining'> {
  readonly calls: Calls
  /** Of waits for the index. */
  readonly watch: Owner
  readonly isOn: boolean
  readonly concurrency: number
  readonly backoff: Backoff
  /** Something is due at a time of the wall. */
  readonly onDue: (time: number) => void
}

/** How long it rests when the disk takes nothing. */
const restMs = 1000

export class Dispatcher {
  readonly #options: DispatcherOptions
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

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#total = createCapacityLimiter(options.concurrency, { name: 'attempts in all' })
    this.#performing = {
      ...options,
      backoffMs: (failures) => backoffMs(options.backoff, failures),
      isDraining: () => this.#isDraining,
    }
  }

  /** Attempts under way, by their operations. */
  get running(): ReadonlyMap<number, Attempt> {
    return this.#running
  }

  /** Nothing is begun before this time on the monotonic clock. */
  get restUntil(): number {
    return this.#restUntil
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Begins what may begin in a lane. */
  pump(lane: Lane): void {
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

  /** Room in a lane for an operation that is about to be promised, if nobody has to go before it. */
  claim(lane: Lane, borrower: object): Claim | undefined {
    // While a backend is offline one attempt at a time tries it.
    if (!this.#mayBegin || !lane.isFree || lane.breaker?.health.state === 'offline') return undefined
    const permits = this.#permits(lane, borrower)
    if (permits === undefined) return undefined
    return {
      begin: (operation) => this.#begin(lane, operation, permits),
      giveUp: () => {
        for (const permit of permits) permit.release()
        this.#giveRoom(lane)
      },
    }
  }

  /** Begins nothing any more; what runs has so long to end, then it is cancelled; resolves when all of it has ended. */
  async drain(drainMs: number): Promise<void> {
    this.#isDraining = true
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

  get #mayBegin(): boolean {
    const { ledger, isOn } = this.#options
    return isOn && !this.#isDraining && ledger.failure === undefined && now() >= this.#restUntil
  }

  #permits(lane: Lane, borrower: object): readonly Permit[] | undefined {
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
      this.#options.onDue(lane.nextDueAt)
      return
    }
    if (this.#filling.has(lane)) return
    this.#filling.add(lane)
    const fill = async (): Promise<void> => {
      try {
        await ledger.store.index.applied(from)
        lane.refill()
      } catch (error) {
        if (isDiskTrouble(error)) this.#rest(lane)
        else ledger.stop(error)
      } finally {
        this.#filling.delete(lane)
      }
      this.pump(lane)
      this.#options.onDue(lane.nextDueAt)
    }
    watch.spawn(fill, { name: 'pending operations of a lane' })
  }

  #begin(lane: Lane, operation: LoggedOperation, permits: readonly Permit[]): void {
    const attempt = new Attempt(operation)
    // Its promise may have been on its way when the end began.
    if (this.#isDraining) attempt.request({ kind: 'drain' })
    this.#running.set(operation.id, attempt)
    lane.breaker?.began()
    const work = async (): Promise<void> => {
      let outcome: AttemptOutcome = 'nothing'
      try {
        outcome = await perform(attempt, this.#performing)
      } catch (error) {
        // It goes on when the disk takes something again, or when the log is opened again.
        this.#rest(lane)
        if (!(error instanceof WalError)) throw error
      } finally {
        this.#running.delete(operation.id)
        attempt.ended.set()
        for (const permit of permits) permit.release()
        lane.breaker?.ended(outcome)
        if (this.#running.size === 0) this.#idle?.set()
        this.#afterAttempt(lane, operation.id)
      }
    }
    this.#options.calls.spawn(work, 'attempt')
  }

  #afterAttempt(lane: Lane, id: number): void {
    const { ledger } = this.#options
    try {
      const operation = ledger.load(id)
      // It may be pending again: it was passed over while the attempt had it.
      if (operation !== undefined) lane.update(operation)
      this.#giveRoom(lane)
    } catch (error) {
      ledger.stop(error)
    }
  }

  /** An attempt of a lane has ended: others may begin. */
  #giveRoom(lane: Lane): void {
    // One that has nothing to begin any more leaves the room to the next.
    for (const hungry of this.#hungry) {
      if (this.#total.available === 0) break
      this.#hungry.delete(hungry)
      this.pump(hungry)
    }
    this.pump(lane)
    this.#options.onDue(lane.nextDueAt)
  }

  /** The disk takes nothing just now. */
  #rest(lane: Lane): void {
    lane.markStale()
    this.#restUntil = now() + restMs
    this.#options.onDue(this.#options.ledger.clock() + restMs)
  }
}
