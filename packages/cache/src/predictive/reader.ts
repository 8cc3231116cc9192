/** A reader that is read ahead of: what it will ask for is fetched in tasks that end with it. */
import {
  createOwner,
  currentScope,
  now,
  sleep,
  throwIfCancelled,
  type Owner,
  type Scope,
  type Task,
  type WaitOptions,
} from '@ipfs-kit/concurrency'
import { closed } from '../errors.ts'
import type { Budget } from './budget.ts'
import { Depth } from './depth.ts'
import type { Metrics, PrefetchOutcome } from './metrics.ts'
import { checkReadOptions, type CheckedPrefetcher } from './prefetcher-options.ts'
import type { PredictionSource, PredictionStream, StreamOptions } from './predictor.ts'
import { publishPrefetch } from './prefetch-reports.ts'

/** Options of a reader. */
export interface ReaderOptions<V> extends StreamOptions {
  /** The scope that it belongs to. Default: that of the running code. */
  readonly scope?: Scope
  /** For a reader that does not want all links of a value: those that it wants, in their order. Default: that of the prefetcher. */
  readonly linksOf?: (key: string, value: V) => readonly string[]
}

/** Options of {@link Reader.read}. */
export interface ReadOptions extends WaitOptions {
  /** Where the key stands in an order of the reader's, a whole number from 0. */
  readonly position?: number
}

/** Reads blocks one after the other, from anywhere, while those that it will ask for next are on their way already. */
export interface Reader<V> extends AsyncDisposable {
  /**
   * The value of a key: from the cache, from what was fetched ahead, or else fetched now. Whoever asks for what is on its way
   * waits for that. A prefetch that failed before is forgotten, and the value is fetched anew; one that fails while it is
   * waited for fails those who wait. Going to another place than any that was expected cancels what is on its way to the old
   * one. Reads may run at once, and count in the order in which they began.
   *
   * @throws CacheError CACHE_CLOSED; what `fetch`, `linksOf` and `sizeOf` throw; the reason of the signal and of the scope
   * @throws TypeError, RangeError for what is no key, position, size or option
   */
  read(key: string, options?: ReadOptions): Promise<V>
  /**
   * A value that whoever reads has from elsewhere counts as read, so that what it links to is expected.
   *
   * @throws CacheError CACHE_CLOSED; what `linksOf` throws
   */
  pass(key: string, value: V): void
  /** Cancels what is on its way, and waits for its end. Idempotent. */
  close(): Promise<void>
}

/** Guesses that wait to be used: an older one makes room for a newer. As a part of the blocks. */
const guessesPart = 0.5

type Outcome<V> = { readonly value: V } | { readonly error: unknown }

/** A value that waits for the reader. */
interface Arrived<V> {
  readonly value: V
  readonly bytes: number
  readonly links: readonly string[]
  readonly at: number
}

/** A fetch that runs, or whose value waits for the reader. */
interface Flight<V> {
  readonly key: string
  /** `undefined`: it was asked for, not expected. */
  readonly source: PredictionSource | undefined
  readonly reserved: number
  task: Task<Outcome<V>> | undefined
  /** Reads that wait for it. */
  waiters: number
  startedAt: number
  /** When the first read asked for it. */
  askedAt: number
  /** What has arrived and waits. */
  arrived: Arrived<V> | undefined
}

export interface Shared<V> extends CheckedPrefetcher<V> {
  readonly budget: Budget
  readonly metrics: Metrics
}

export class AheadReader<V> implements Reader<V> {
  readonly #shared: Shared<V>
  readonly #stream: PredictionStream
  readonly #depth: Depth
  readonly #owner: Owner
  readonly #linksOf: ReaderOptions<V>['linksOf']
  readonly #onEnd: () => void
  readonly #flights = new Map<string, Flight<V>>()
  /** Keys that were expected when it was last looked at. */
  #expected = new Set<string>()
  /** Prefetches whose task has not ended, cancelled ones too. */
  #running = 0
  #waiting = 0
  /** Guesses among the flights. */
  #guesses = 0
  #isClosed = false

  constructor(shared: Shared<V>, options: ReaderOptions<V> | undefined, onEnd: () => void) {
    const scope = options?.scope ?? currentScope()
    throwIfCancelled({ scope })
    this.#shared = shared
    this.#stream = shared.predictor.stream(options?.keyAt === undefined ? {} : { keyAt: options.keyAt })
    this.#depth = new Depth(shared.maxBlocks)
    this.#owner = createOwner({ name: `reader of ${shared.name}`, scope })
    this.#linksOf = options?.linksOf ?? shared.linksOf
    this.#onEnd = onEnd
    // If the scope around it ends it, what waits is given up all the same.
    this.#owner.spawn(() => this.#untilEnd(), { name: 'end of a reader' })
  }

  async read(key: string, options?: ReadOptions): Promise<V> {
    checkReadOptions(options)
    if (this.#isClosed) throw closed(this.#shared.name)
    options?.signal?.throwIfAborted()
    throwIfCancelled({ scope: options?.scope })
    throwIfCancelled({ scope: this.#owner.scope })
    const { cache } = this.#shared
    const near = cache?.get(key)
    const isCached = near !== undefined
    const { position } = options ?? {}
    const hasJumped = this.#stream.observe(key, {
      isCached,
      ...(position === undefined ? {} : { position }),
    })
    if (hasJumped) this.#depth.jumped()
    const flight = this.#flights.get(key)
    if (!isCached) return this.#demand(key, flight, hasJumped, options)
    if (flight?.waiters === 0) this.#drop(flight)
    this.#near(key, near, hasJumped)
    return near
  }

  pass(key: string, value: V): void {
    if (this.#isClosed) throw closed(this.#shared.name)
    const hasJumped = this.#stream.observe(key, { isCached: true })
    if (hasJumped) this.#depth.jumped()
    this.#near(key, value, hasJumped)
  }

  /** A value did not have to be fetched. */
  #near(key: string, value: V, hasJumped: boolean): void {
    this.#shared.metrics.cached += 1
    if (this.#linksOf !== undefined) this.#stream.expand(key, this.#linksOf(key, value))
    this.#goAhead(hasJumped)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#owner.close(`a reader of ${this.#shared.name} was closed`)
    this.#end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #demand(
    key: string,
    expected: Flight<V> | undefined,
    hasJumped: boolean,
    options: ReadOptions | undefined,
  ): Promise<V> {
    const { metrics } = this.#shared
    metrics.demands += 1
    if (expected?.arrived !== undefined) {
      const { value } = expected.arrived
      this.#use(expected, expected.arrived)
      this.#goAhead(hasJumped)
      return value
    }
    const askedAt = now()
    if (expected !== undefined || this.#expected.has(key)) this.#depth.stalled()
    const flight = expected ?? this.#begin(key, undefined, 0)
    if (flight.source !== undefined) metrics.answered += 1
    flight.waiters += 1
    if (flight.waiters === 1) flight.askedAt = askedAt
    try {
      this.#goAhead(hasJumped)
      const outcome = await flight.task!.join({ scope: options?.scope, signal: options?.signal })
      if ('error' in outcome) throw outcome.error
      return outcome.value
    } catch (error) {
      throw this.#isClosed && flight.task!.state === 'cancelled' ? closed(this.#shared.name) : error
    } finally {
      flight.waiters -= 1
      metrics.stallMs += now() - askedAt
      if (flight.waiters === 0 && this.#flights.get(key) === flight) this.#drop(flight)
    }
  }

  /** Begins what is expected, as far as depth and budgets go. */
  #goAhead(hasJumped: boolean): void {
    if (this.#owner.scope.cancelled) return
    const { cache, has } = this.#shared
    const predictions = this.#stream.predict(this.#depth.blocks)
    this.#expected = new Set(predictions.map(({ key }) => key))
    if (hasJumped) this.#leave()
    for (const { key, source } of predictions) {
      if (this.#flights.has(key) || cache?.has(key) === true || has?.(key) === true) continue
      const reserved = this.#reserve(source)
      if (reserved === undefined) return
      this.#begin(key, source, reserved)
    }
  }

  /** The reader is elsewhere: what was on its way in the order that it has left is not wanted any more. */
  #leave(): void {
    for (const flight of this.#flights.values()) {
      const isOrdered = flight.source === 'links' || flight.source === 'run'
      if (isOrdered && flight.waiters === 0 && !this.#expected.has(flight.key)) this.#drop(flight)
    }
  }

  /** Room for one more prefetch: guesses give way to older ones of their kind, and to what is more trusted. */
  #reserve(source: PredictionSource): number | undefined {
    const { budget, maxBlocks } = this.#shared
    const isGuess = source === 'successor'
    if (isGuess && this.#guesses >= Math.max(1, Math.floor(maxBlocks * guessesPart))) this.#dropGuess()
    if (this.#running + this.#waiting >= maxBlocks && !this.#dropGuess()) return undefined
    if (this.#running + this.#waiting >= maxBlocks) return undefined
    const reserved = budget.reserve(source)
    if (reserved !== undefined || isGuess || !this.#dropGuess()) return reserved
    return budget.reserve(source)
  }

  /** Gives up the oldest guess that nobody waits for. False if there is none. */
  #dropGuess(): boolean {
    if (this.#guesses === 0) return false
    for (const flight of this.#flights.values()) {
      if (flight.source !== 'successor' || flight.waiters > 0) continue
      this.#drop(flight)
      return true
    }
    return false
  }

  #begin(key: string, source: PredictionSource | undefined, reserved: number): Flight<V> {
    const at = now()
    const flight: Flight<V> = {
      key,
      source,
      reserved,
      task: undefined,
      waiters: 0,
      startedAt: at,
      askedAt: at,
      arrived: undefined,
    }
    if (source !== undefined) {
      this.#running += 1
      this.#shared.metrics.started(source)
    }
    this.#flights.set(key, flight)
    if (source === 'successor') this.#guesses += 1
    const name = source === undefined ? 'fetch' : 'prefetch'
    flight.task = this.#owner.spawn((scope) => this.#fetch(flight, scope), { name })
    return flight
  }

  /** Its failure is no failure of the task: it is told to the reads that wait, if there are any. */
  async #fetch(flight: Flight<V>, scope: Scope): Promise<Outcome<V>> {
    const { fetch, sizeOf, cache } = this.#shared
    const { key } = flight
    try {
      throwIfCancelled()
      const purpose = flight.waiters > 0 ? 'demand' : 'prefetch'
      const value = await fetch(key, { signal: scope.signal, purpose })
      const bytes = checkBytes(sizeOf(value, key))
      if (scope.cancelled) {
        this.#shared.budget.wasted(bytes)
        this.#shared.metrics.addedBytes += bytes
        throw scope.reason
      }
      const links = this.#linksOf?.(key, value) ?? []
      this.#stream.expand(key, links)
      if (links.length > 0) this.#goAhead(false)
      if (flight.waiters > 0) cache?.set(key, value)
      this.#arrive(flight, { value, bytes, links, at: now() })
      return { value }
    } catch (error) {
      this.#fail(flight, scope.cancelled ? 'cancelled' : 'failed')
      // What a fetch ends with because it was cancelled is nobody's.
      if (scope.cancelled) throw scope.reason
      return { error }
    }
  }

  #arrive(flight: Flight<V>, arrived: Arrived<V>): void {
    const { budget, metrics } = this.#shared
    const { source, reserved, waiters } = flight
    const { bytes } = arrived
    budget.saw(bytes)
    if (source !== undefined) this.#running -= 1
    if (waiters > 0) {
      this.#forget(flight)
      budget.demanded(bytes)
      metrics.demandedBytes += bytes
      if (source !== undefined) {
        budget.settle(reserved, undefined)
        metrics.savedMs += flight.askedAt - flight.startedAt
        this.#decide(flight, source, 'late', bytes)
      }
    } else if (budget.settle(reserved, bytes)) {
      flight.arrived = arrived
      this.#waiting += 1
    } else this.#waste(flight, bytes)
  }

  /** A read takes what has arrived before. */
  #use(flight: Flight<V>, { value, bytes, links, at }: Arrived<V>): void {
    const { budget, metrics, cache } = this.#shared
    this.#forget(flight)
    this.#waiting -= 1
    budget.release(bytes)
    budget.demanded(bytes)
    metrics.demandedBytes += bytes
    metrics.answered += 1
    // Known from its arrival on, unless so many were that this one was given up.
    this.#stream.expand(flight.key, links)
    const fetchMs = at - flight.startedAt
    metrics.savedMs += fetchMs
    this.#depth.inTime(now() - at, fetchMs)
    this.#decide(flight, flight.source!, 'inTime', bytes)
    cache?.set(flight.key, value)
  }

  /** Nobody waits for it, and it is not wanted any more. */
  #drop(flight: Flight<V>): void {
    if (flight.arrived === undefined) {
      this.#forget(flight)
      flight.task!.cancel(`nobody wants ${JSON.stringify(flight.key)} any more`)
      return
    }
    this.#waiting -= 1
    this.#shared.budget.release(flight.arrived.bytes)
    this.#waste(flight, flight.arrived.bytes)
  }

  #waste(flight: Flight<V>, bytes: number): void {
    this.#forget(flight)
    this.#shared.budget.wasted(bytes)
    this.#shared.metrics.addedBytes += bytes
    this.#decide(flight, flight.source!, 'never', bytes)
  }

  #fail(flight: Flight<V>, outcome: 'cancelled' | 'failed'): void {
    this.#forget(flight)
    if (flight.source === undefined) return
    this.#running -= 1
    this.#shared.budget.settle(flight.reserved, undefined)
    this.#decide(flight, flight.source, outcome, 0)
  }

  #decide(flight: Flight<V>, source: PredictionSource, outcome: PrefetchOutcome, bytes: number): void {
    const { name, budget, metrics } = this.#shared
    budget.decided(source, flight.reserved)
    metrics.ended(source, outcome)
    publishPrefetch(name, source, outcome, bytes)
  }

  #forget(flight: Flight<V>): void {
    if (this.#flights.get(flight.key) !== flight) return
    this.#flights.delete(flight.key)
    if (flight.source === 'successor') this.#guesses -= 1
  }

  async #untilEnd(): Promise<void> {
    try {
      await sleep(Number.POSITIVE_INFINITY)
    } finally {
      this.#end()
    }
  }

  #end(): void {
    for (const flight of this.#flights.values()) if (flight.arrived !== undefined) this.#drop(flight)
    this.#onEnd()
  }
}

function checkBytes(bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 0)
    throw new RangeError(`The size of a value is a whole number of bytes, 0 or more, not ${bytes}`)
  return bytes
}
