/** A web stream as the receiving end of a channel. */
import { currentNode } from './ambient.ts'
import type { ChannelStats, ReceiveEnd } from './channel.ts'
import { checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import { ReceivingEnd, endWaits, serve, type Ending, type ReceiveSource } from './receiving-end.ts'
import { run } from './run.ts'
import type { NamedOptions } from './semaphore.ts'
import { WaitQueue } from './wait-queue.ts'

/**
 * The receiving end of a stream. `await using` closes it and waits until the source of the stream was cancelled, with its error; in a
 * cancelled scope it does not wait. After a plain `close` an error of the source's cancellation is an unhandled rejection.
 */
export interface StreamReceiveEnd<T> extends ReceiveEnd<T>, AsyncDisposable {
  clone(): StreamReceiveEnd<T>
}

/** What all ends of a stream share. At most one read is under way, and at most one value is kept for nobody. */
class StreamState<T> implements ReceiveSource<T> {
  readonly kind = 'stream'
  readonly name: string
  readonly receiving = new WaitQueue()
  receivers = 0
  ending: Ending | undefined = undefined
  /** The cancellation of the source, once the last end is closed. */
  cancelling: Promise<void> = Promise.resolve()
  readonly #reader: ReadableStreamDefaultReader<T>
  readonly #kept: T[] = []
  #reading = false

  constructor(reader: ReadableStreamDefaultReader<T>, name: string) {
    this.#reader = reader
    this.name = name
  }

  hasValue(): boolean {
    return this.#kept.length > 0
  }

  take(): T {
    return this.#kept.shift()!
  }

  /** Begins a read if none is under way. */
  wanted(): void {
    if (this.#reading) return
    this.#reading = true
    this.#reader.read().then(
      (result) => {
        this.#reading = false
        if (result.done) this.#end({ failed: false })
        else this.#give(result.value)
      },
      (error: unknown) => this.#end({ failed: true, error }),
    )
  }

  endError(): unknown {
    if (this.ending?.failed === true) return this.ending.error
    return new ConcurrencyError('CONCURRENCY_CHANNEL_ENDED', `stream "${this.name}" has ended`)
  }

  abandoned(): void {
    this.#kept.length = 0
    if (this.ending === undefined) this.cancelling = this.#reader.cancel()
    this.#end({ failed: false })
  }

  stats(): ChannelStats {
    return Object.freeze({
      capacity: 0,
      buffered: this.#kept.length,
      senders: this.ending === undefined ? 1 : 0,
      receivers: this.receivers,
      sending: 0,
      receiving: this.receiving.size,
    })
  }

  #give(value: T): void {
    const wait = this.receiving.first
    if (wait === undefined) {
      if (this.receivers > 0) this.#kept.push(value)
      return
    }
    serve(wait, value)
    if (this.receiving.first !== undefined) this.wanted()
  }

  /** The stream is over. */
  #end(ending: Ending): void {
    if (this.ending !== undefined) return
    this.ending = ending
    endWaits(this)
  }
}

class StreamReceivingEnd<T> extends ReceivingEnd<T> implements StreamReceiveEnd<T> {
  readonly #state: StreamState<T>

  constructor(state: StreamState<T>) {
    super(state)
    this.#state = state
  }

  override clone(): StreamReceiveEnd<T> {
    this.checkOpen()
    return new StreamReceivingEnd(this.#state)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    const scope = currentNode()
    try {
      await run(this.#state.cancelling, { scope })
    } catch (error) {
      // What ends the block is to be its own error, not this one beside it.
      if (!scope.cancelled || error !== scope.reason) throw error
    }
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
  return new StreamReceivingEnd(new StreamState(readable.getReader(), options?.name ?? 'readable'))
}
