/** The receiving end of whatever has values: of a channel, or of a web stream. */
import { nodeOf } from './ambient.ts'
import type { ChannelStats, ReceiveEnd } from './channel.ts'
import { checkOptions } from './checks.ts'
import { closedError, failWaitsOn, type EndOwner } from './closed-end.ts'
import type { WaitOptions } from './scope.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import type { WaitQueue } from './wait-queue.ts'
import { failed, park, ready, refuse, type AnyWait } from './wait.ts'

/** How a source came to its end: as it should, or with an error. */
export type Ending = { readonly failed: false } | { readonly failed: true; readonly error: unknown }

/** Where the values come from. All receiving ends of a channel or of a stream share one. */
export interface ReceiveSource<T> extends EndOwner {
  /** Waits for a value. Served with {@link serve}, ended with {@link endWaits}. */
  readonly receiving: WaitQueue
  /** Open ends. */
  receivers: number
  /** `undefined` while more may come. */
  readonly ending: Ending | undefined
  /** Whether there is a value now. */
  hasValue(): boolean
  /** The oldest value. Asked only when there is one. */
  take(): T
  /** Somebody wants a value, and there is none. */
  wanted(): void
  /** Why there is nothing to receive any more. Asked only at the end. */
  endError(): unknown
  /** The last receiving end is closed. */
  abandoned(): void
  stats(): ChannelStats
}

/** Marks the wait of an iterator, which gets results and not values. */
const iterating = Symbol('iterating')

const endOfIteration = Object.freeze({ value: undefined, done: true as const })

function item<T>(value: T): IteratorResult<T, undefined> {
  return { value, done: false }
}

/** Gives a value to one who waits for it. */
export function serve(wait: AnyWait, value: unknown): void {
  wait.succeed(wait.payload === iterating ? item(value) : value)
}

/** The same, and the receiver goes on one microtask later. */
export function serveSoon(wait: AnyWait, value: unknown): void {
  wait.succeedSoon(wait.payload === iterating ? item(value) : value)
}

/** Tells everyone who waits that the source has come to its end. */
export function endWaits(source: ReceiveSource<unknown>): void {
  const { receiving, ending } = source
  for (let wait = receiving.first; wait !== undefined; wait = receiving.first) {
    if (wait.payload === iterating && ending?.failed === false) wait.succeed(endOfIteration)
    else wait.fail(source.endError())
  }
}

export class ReceivingEnd<T> implements ReceiveEnd<T> {
  readonly #source: ReceiveSource<T>
  /** What its waits are called. */
  readonly #what: string
  #closed = false

  constructor(source: ReceiveSource<T>) {
    this.#source = source
    this.#what = `${source.kind} receive`
    source.receivers += 1
  }

  get name(): string {
    return this.#source.name
  }

  receive(options?: WaitOptions): Promise<T> {
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) return underSignal(options, async (inner) => await this.receive(inner))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, this.#what, this)
    const source = this.#source
    if (this.#closed) return failed(scope, this.#what, this, closedError(source))
    if (source.hasValue()) return ready(scope, this.#what, this, source.take())
    if (source.ending !== undefined) return failed(scope, this.#what, this, source.endError())
    const wait = park<T>(scope, this.#what, this)
    source.receiving.add(wait)
    source.wanted()
    return wait.promise
  }

  tryReceive(): { readonly value: T } | undefined {
    this.checkOpen()
    const source = this.#source
    if (source.hasValue()) return { value: source.take() }
    if (source.ending !== undefined) throw source.endError()
    source.wanted()
    return undefined
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return { next: () => this.#next() }
  }

  clone(): ReceiveEnd<T> {
    this.checkOpen()
    return new ReceivingEnd(this.#source)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const source = this.#source
    source.receivers -= 1
    failWaitsOn(source.receiving, this, source)
    if (source.receivers === 0) source.abandoned()
  }

  stats(): ChannelStats {
    return this.#source.stats()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  protected checkOpen(): void {
    if (this.#closed) throw closedError(this.#source)
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    const scope = nodeOf(undefined)
    if (scope.cancelled) return refuse(scope, this.#what, this)
    const source = this.#source
    if (this.#closed) return failed(scope, this.#what, this, closedError(source))
    if (source.hasValue()) return ready(scope, this.#what, this, item(source.take()))
    const { ending } = source
    if (ending?.failed === true) return failed(scope, this.#what, this, ending.error)
    if (ending !== undefined) return ready(scope, this.#what, this, endOfIteration)
    const wait = park<IteratorResult<T, undefined>>(scope, this.#what, this)
    wait.payload = iterating
    source.receiving.add(wait)
    source.wanted()
    return wait.promise
  }
}
