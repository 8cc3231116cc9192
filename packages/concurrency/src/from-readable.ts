/** A web stream as the receiving end of a channel. */
import { currentNode, nodeOf } from './ambient.ts'
import type { ChannelStats, ReceiveEnd } from './channel.ts'
import { checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import type { ScopeNode } from './scope-node.ts'
import type { WaitOptions } from './scope.ts'
import type { NamedOptions } from './semaphore.ts'
import { run } from './suspend.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { failed, park, ready, refuse, type AnyWait } from './wait.ts'

/**
 * The receiving end of a stream. `await using` closes it and waits until the source of the stream was cancelled, with its error; in a
 * cancelled scope it does not wait. After a plain `close` an error of the source's cancellation is an unhandled rejection.
 */
export interface StreamReceiveEnd<T> extends ReceiveEnd<T>, AsyncDisposable {
  clone(): StreamReceiveEnd<T>
}

/** Marks the wait of an iterator, which gives results and not values. */
const iterating = Symbol('iterating')

/** What a reader has for those who wait: a value, the end, or the error of the stream. */
type State = { readonly kind: 'open' | 'ended' } | { readonly kind: 'failed'; readonly error: unknown }

/** What all ends of a stream share. At most one read is under way, and at most one value is kept for nobody. */
class Shared<T> {
  readonly name: string
  readonly receiving = new WaitQueue()
  readonly kept: T[] = []
  receivers = 0
  state: State = { kind: 'open' }
  /** The cancellation of the source, once the last end is closed. */
  cancelling: Promise<void> = Promise.resolve()
  readonly #reader: ReadableStreamDefaultReader<T>
  #reading = false

  constructor(reader: ReadableStreamDefaultReader<T>, name: string) {
    this.#reader = reader
    this.name = name
  }

  /** Begins a read if none is under way. */
  read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#reader.read().then(
      (result) => {
        this.#reading = false
        if (result.done) this.finish({ kind: 'ended' })
        else this.#give(result.value)
      },
      (error: unknown) => this.finish({ kind: 'failed', error }),
    )
  }

  /** The stream is over. */
  finish(state: State): void {
    if (this.state.kind !== 'open') return
    this.state = state
    for (let wait = this.receiving.first; wait !== undefined; wait = this.receiving.first) {
      if (state.kind === 'ended' && wait.payload === iterating) wait.succeed(endOfIteration)
      else wait.fail(this.overError())
    }
  }

  /** Why there is nothing to receive any more. */
  overError(): unknown {
    if (this.state.kind === 'failed') return this.state.error
    return new ConcurrencyError('CONCURRENCY_CHANNEL_ENDED', `stream "${this.name}" has ended`)
  }

  /** Nobody receives any more. */
  cancel(): void {
    this.kept.length = 0
    if (this.state.kind === 'open') this.cancelling = this.#reader.cancel()
    this.finish({ kind: 'ended' })
  }

  #give(value: T): void {
    const wait = this.receiving.first
    if (wait === undefined) {
      if (this.receivers > 0) this.kept.push(value)
      return
    }
    wait.succeed(wait.payload === iterating ? { value, done: false } : value)
    if (this.receiving.first !== undefined) this.read()
  }
}

const endOfIteration = Object.freeze({ value: undefined, done: true })

class StreamReceiver<T> implements StreamReceiveEnd<T> {
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
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) return underSignal(options, async (inner) => await this.receive(inner))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'stream receive', this)
    if (this.#closed) return failed(scope, 'stream receive', this, this.#closedError())
    const { kept, state } = this.#shared
    if (kept.length > 0) return ready(scope, 'stream receive', this, kept.shift()!)
    if (state.kind !== 'open') return failed(scope, 'stream receive', this, this.#shared.overError())
    return this.#park<T>(scope).promise
  }

  tryReceive(): { readonly value: T } | undefined {
    if (this.#closed) throw this.#closedError()
    const { kept, state } = this.#shared
    if (kept.length > 0) return { value: kept.shift()! }
    if (state.kind !== 'open') throw this.#shared.overError()
    this.#shared.read()
    return undefined
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return { next: () => this.#next() }
  }

  clone(): StreamReceiveEnd<T> {
    if (this.#closed) throw this.#closedError()
    return new StreamReceiver(this.#shared)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const { receiving } = this.#shared
    for (let wait = receiving.first; wait !== undefined;) {
      const next: AnyWait | undefined = wait.nextInQueue
      if (wait.on === this) wait.fail(this.#closedError())
      wait = next
    }
    this.#shared.receivers -= 1
    if (this.#shared.receivers === 0) this.#shared.cancel()
  }

  stats(): ChannelStats {
    const { kept, state, receivers, receiving } = this.#shared
    return Object.freeze({
      capacity: 0,
      buffered: kept.length,
      senders: state.kind === 'open' ? 1 : 0,
      receivers,
      sending: 0,
      receiving: receiving.size,
    })
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    const scope = currentNode()
    try {
      await run(this.#shared.cancelling, { scope })
    } catch (error) {
      // What ends the block is to be its own error, not this one beside it.
      if (!scope.cancelled || error !== scope.reason) throw error
    }
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    const scope = nodeOf(undefined)
    if (scope.cancelled) return refuse(scope, 'stream receive', this)
    if (this.#closed) return failed(scope, 'stream receive', this, this.#closedError())
    const { kept, state } = this.#shared
    if (kept.length > 0) return ready(scope, 'stream receive', this, { value: kept.shift()!, done: false })
    if (state.kind === 'ended') return ready(scope, 'stream receive', this, endOfIteration)
    if (state.kind === 'failed') return failed(scope, 'stream receive', this, state.error)
    const wait = this.#park<IteratorResult<T, undefined>>(scope)
    wait.payload = iterating
    return wait.promise
  }

  #park<V>(scope: ScopeNode) {
    const wait = park<V>(scope, 'stream receive', this)
    this.#shared.receiving.add(wait)
    this.#shared.read()
    return wait
  }

  #closedError(): ConcurrencyError {
    return new ConcurrencyError('CONCURRENCY_CHANNEL_CLOSED', `this end of stream "${this.name}" is closed`)
  }
}

/**
 * Receives from a web stream. A value is read when it is asked for. A wait that is cancelled loses nothing: what its read gives goes to
 * the next who asks. The end of the stream is the end of the channel, its error is what `receive` and iteration reject with. Closing
 * the last end cancels the stream.
 *
 * @throws TypeError if the stream is locked to another reader
 */
export function fromReadable<T>(readable: ReadableStream<T>, options?: NamedOptions): StreamReceiveEnd<T> {
  checkOptions(options, ['name'])
  if (!(readable instanceof ReadableStream)) throw new TypeError('readable is not a ReadableStream')
  return new StreamReceiver(new Shared(readable.getReader(), options?.name ?? 'readable'))
}
