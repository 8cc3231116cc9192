/** Channels: values from senders to receivers, in order, with a bounded buffer between them. */
import { nodeOf } from './ambient.ts'
import { checkCount, checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import { Ring } from './ring.ts'
import type { WaitOptions } from './scope.ts'
import type { NamedOptions } from './semaphore.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal } from './wait-options.ts'
import { failed, park, ready, refuse, type AnyWait } from './wait.ts'

/** A frozen look at a channel. */
export interface ChannelStats {
  readonly capacity: number
  /** Values in the buffer. */
  readonly buffered: number
  /** Open ends. */
  readonly senders: number
  readonly receivers: number
  /** Waits for room. */
  readonly sending: number
  /** Waits for a value. */
  readonly receiving: number
}

/** The end that sends. Each user has a clone of its own; the channel ends when the last of them is closed. */
export interface SendEnd<T> extends Disposable {
  readonly name: string
  /**
   * Sends a value; waits while the buffer is full. A wait that is cancelled has sent nothing.
   *
   * @throws ConcurrencyError CONCURRENCY_CHANNEL_BROKEN if no receiving end is open (also while it waits),
   *   CONCURRENCY_CHANNEL_CLOSED if this end is closed
   */
  send(value: T, options?: WaitOptions): Promise<void>
  /**
   * Sends without waiting.
   *
   * @returns whether there was room
   * @throws ConcurrencyError as `send` rejects
   */
  trySend(value: T): boolean
  /** One more end that has to be closed. */
  clone(): SendEnd<T>
  /**
   * Closes this end. Idempotent. Waits on this very end reject with CONCURRENCY_CHANNEL_CLOSED.
   *
   * @param error - why what was sent is not complete: when the last sending end is closed and the buffer empty, receivers
   *   get it in place of CONCURRENCY_CHANNEL_ENDED, and iteration rejects with it. The first one given counts
   */
  close(error?: unknown): void
  stats(): ChannelStats
}

/** The end that receives. Each value goes to one receiver. Iterating ends when the channel does. */
export interface ReceiveEnd<T> extends AsyncIterable<T>, Disposable {
  readonly name: string
  /**
   * Receives the next value; waits until there is one. A wait that is cancelled has taken nothing.
   *
   * @throws ConcurrencyError CONCURRENCY_CHANNEL_ENDED if every sending end is closed and the buffer empty (the error that one
   *   of them was closed with, if there is one), CONCURRENCY_CHANNEL_CLOSED if this end is closed
   */
  receive(options?: WaitOptions): Promise<T>
  /**
   * Receives without waiting.
   *
   * @returns the value, in an object since it may be `undefined`; `undefined` if there is none now
   * @throws ConcurrencyError as `receive` rejects
   */
  tryReceive(): { readonly value: T } | undefined
  /** One more end that has to be closed. */
  clone(): ReceiveEnd<T>
  /** Closes this end. Idempotent. With the last one, what is buffered is dropped and senders fail. */
  close(): void
  stats(): ChannelStats
}

/** Marks the wait of an iterator, which gives results and not values. */
const iterating = Symbol('iterating')

function item<T>(value: T): IteratorResult<T, undefined> {
  return { value, done: false }
}

/** What all ends of a channel share. */
class Shared<T> {
  readonly name: string
  readonly capacity: number
  readonly buffer = new Ring<T>()
  /** Waits with the value to send as payload. */
  readonly sending = new WaitQueue()
  readonly receiving = new WaitQueue()
  senders = 0
  receivers = 0
  /** What a sending end was closed with. */
  failure: unknown = undefined

  constructor(capacity: number, name: string) {
    this.capacity = capacity
    this.name = name
  }

  /** Hands a value on if a receiver waits or the buffer has room. */
  give(value: T): boolean {
    const receiver = this.receiving.first
    if (receiver !== undefined) receiver.succeed(receiver.payload === iterating ? item(value) : value)
    else if (this.buffer.size < this.capacity) this.buffer.push(value)
    else return false
    return true
  }

  /** The oldest value; whoever waits longest to send puts its own into the room. Asked only when there is one. */
  take(): T {
    const sender = this.sending.first
    if (this.buffer.size === 0) {
      const value = sender!.payload as T
      sender!.succeed(undefined)
      return value
    }
    const value = this.buffer.shift()
    if (sender !== undefined) {
      this.buffer.push(sender.payload as T)
      sender.succeed(undefined)
    }
    return value
  }

  stats(): ChannelStats {
    return Object.freeze({
      capacity: this.capacity,
      buffered: this.buffer.size,
      senders: this.senders,
      receivers: this.receivers,
      sending: this.sending.size,
      receiving: this.receiving.size,
    })
  }
}

class Sender<T> implements SendEnd<T> {
  readonly #shared: Shared<T>
  #closed = false

  constructor(shared: Shared<T>) {
    this.#shared = shared
    shared.senders += 1
  }

  get name(): string {
    return this.#shared.name
  }

  send(value: T, options?: WaitOptions): Promise<void> {
    if (options?.signal !== undefined) {
      return underSignal(options, async (inner) => await this.send(value, inner))
    }
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'channel send', this)
    const shared = this.#shared
    if (this.#closed) return failed(scope, 'channel send', this, closed(this))
    if (shared.receivers === 0) return failed(scope, 'channel send', this, broken(this))
    if (shared.give(value)) return ready(scope, 'channel send', this, undefined)
    const wait = park<void>(scope, 'channel send', this)
    wait.payload = value
    shared.sending.add(wait)
    return wait.promise
  }

  trySend(value: T): boolean {
    if (this.#closed) throw closed(this)
    if (this.#shared.receivers === 0) throw broken(this)
    return this.#shared.give(value)
  }

  clone(): SendEnd<T> {
    if (this.#closed) throw closed(this)
    return new Sender(this.#shared)
  }

  close(error?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    const shared = this.#shared
    shared.senders -= 1
    shared.failure ??= error
    failAll(shared.sending, closed, (wait) => wait.on === this)
    if (shared.senders > 0) return
    for (let wait = shared.receiving.first; wait !== undefined; wait = shared.receiving.first) {
      if (shared.failure !== undefined) wait.fail(shared.failure)
      else if (wait.payload === iterating) wait.succeed({ value: undefined, done: true })
      else wait.fail(ended(this))
    }
  }

  stats(): ChannelStats {
    return this.#shared.stats()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

class Receiver<T> implements ReceiveEnd<T> {
  readonly #shared: Shared<T>
  #closed = false

  constructor(shared: Shared<T>) {
    this.#shared = shared
    shared.receivers += 1
  }

  get name(): string {
    return this.#shared.name
  }

  receive(options?: WaitOptions): Promise<T> {
    if (options?.signal !== undefined) return underSignal(options, async (inner) => await this.receive(inner))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'channel receive', this)
    if (this.#closed) return failed(scope, 'channel receive', this, closed(this))
    const shared = this.#shared
    if (shared.buffer.size > 0 || shared.sending.size > 0) {
      return ready(scope, 'channel receive', this, shared.take())
    }
    if (shared.senders === 0) return failed(scope, 'channel receive', this, shared.failure ?? ended(this))
    const wait = park<T>(scope, 'channel receive', this)
    shared.receiving.add(wait)
    return wait.promise
  }

  tryReceive(): { readonly value: T } | undefined {
    if (this.#closed) throw closed(this)
    const shared = this.#shared
    if (shared.buffer.size > 0 || shared.sending.size > 0) return { value: shared.take() }
    if (shared.senders === 0) throw shared.failure ?? ended(this)
    return undefined
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return { next: () => this.#next() }
  }

  clone(): ReceiveEnd<T> {
    if (this.#closed) throw closed(this)
    return new Receiver(this.#shared)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const shared = this.#shared
    shared.receivers -= 1
    failAll(shared.receiving, closed, (wait) => wait.on === this)
    if (shared.receivers > 0) return
    while (shared.buffer.size > 0) shared.buffer.shift()
    failAll(shared.sending, broken, () => true)
  }

  stats(): ChannelStats {
    return this.#shared.stats()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    const scope = nodeOf(undefined)
    if (scope.cancelled) return refuse(scope, 'channel receive', this)
    if (this.#closed) return failed(scope, 'channel receive', this, closed(this))
    const shared = this.#shared
    if (shared.buffer.size > 0 || shared.sending.size > 0) {
      return ready(scope, 'channel receive', this, item(shared.take()))
    }
    if (shared.senders === 0) {
      if (shared.failure !== undefined) return failed(scope, 'channel receive', this, shared.failure)
      return ready(scope, 'channel receive', this, { value: undefined, done: true })
    }
    const wait = park<IteratorResult<T, undefined>>(scope, 'channel receive', this)
    wait.payload = iterating
    shared.receiving.add(wait)
    return wait.promise
  }
}

function failAll(
  queue: WaitQueue,
  error: (end: { readonly name: string }) => ConcurrencyError,
  which: (wait: AnyWait) => boolean,
): void {
  let wait = queue.first
  while (wait !== undefined) {
    const next: AnyWait | undefined = wait.nextInQueue
    if (which(wait)) wait.fail(error(wait.on!))
    wait = next
  }
}

function closed(end: { readonly name: string }): ConcurrencyError {
  return new ConcurrencyError('CONCURRENCY_CHANNEL_CLOSED', `this end of channel "${end.name}" is closed`)
}

function broken(end: { readonly name: string }): ConcurrencyError {
  return new ConcurrencyError(
    'CONCURRENCY_CHANNEL_BROKEN',
    `no receiving end of channel "${end.name}" is open`,
  )
}

function ended(end: { readonly name: string }): ConcurrencyError {
  return new ConcurrencyError(
    'CONCURRENCY_CHANNEL_ENDED',
    `every sending end of channel "${end.name}" is closed`,
  )
}

/**
 * Makes a channel.
 *
 * @param capacity - values that wait in the buffer at most; with 0 each send waits for its receiver
 * @throws RangeError if `capacity` is no whole number from 0 up
 */
export function channel<T>(capacity: number, options?: NamedOptions): [SendEnd<T>, ReceiveEnd<T>] {
  checkCount(capacity, 'capacity', 0)
  checkOptions(options, ['name'])
  const shared = new Shared<T>(capacity, options?.name ?? 'channel')
  return [new Sender(shared), new Receiver(shared)]
}
