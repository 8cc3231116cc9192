/** Ends of channels as web streams, for APIs that take those. */
import { nodeOf } from './ambient.ts'
import { AbortError } from './cancel-reason.ts'
import type { ReceiveEnd, SendEnd } from './channel.ts'
import { checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import type { Scope } from './scope.ts'

/** Options of a stream over an end. */
export interface StreamOptions {
  /**
   * The scope in which the stream waits for the channel, whoever reads or writes it. When it is cancelled or ends, so does the stream.
   * Default: the one of the running code.
   */
  readonly scope?: Scope | undefined
}

/**
 * A stream of what is received. It takes a value when it is asked for one, and none ahead. The stream owns the end: the channel's end
 * ends it, an error of the channel, or the reason of a cancelled scope, is the error of the stream, and cancelling it closes the end.
 *
 * To write what is received into a stream: `await toReadable(end).pipeTo(writable, { signal: currentScope().signal })`.
 */
export function toReadable<T>(end: ReceiveEnd<T>, options?: StreamOptions): ReadableStream<T> {
  checkOptions(options, ['scope'])
  const scope = nodeOf(options?.scope)
  const pull = async (controller: ReadableStreamDefaultController<T>) => {
    let value: T
    try {
      value = await end.receive({ scope })
    } catch (error) {
      end.close()
      if (!isEnd(error)) throw error
      controller.close()
      return
    }
    controller.enqueue(value)
  }
  return new ReadableStream<T>({ pull, cancel: () => end.close() }, { highWaterMark: 0 })
}

/**
 * A stream that sends what is written. A write ends when the value was sent, so that a full channel holds the writer back. The stream
 * owns the end: closing it closes the end; aborting it interrupts a write that waits and closes the end with the reason, so that
 * receivers get an error and no early end. When nobody receives any more, or the scope is cancelled, writes fail with that.
 */
export function toWritable<T>(end: SendEnd<T>, options?: StreamOptions): WritableStream<T> {
  checkOptions(options, ['scope'])
  const scope = nodeOf(options?.scope)
  let aborted: AbortSignal | undefined
  const reason = () =>
    (aborted!.reason as unknown) ??
    new AbortError(`a stream into channel "${end.name}" was aborted`, 'explicit', scope.name)
  return new WritableStream<T>({
    start(controller) {
      // The stream calls its `abort` only after a pending write has ended: the end is closed here, which ends that write.
      aborted = (controller as WritableStreamDefaultController & { readonly signal: AbortSignal }).signal
      aborted.addEventListener('abort', () => end.close(reason()), { once: true })
    },
    async write(value) {
      try {
        await end.send(value, { scope })
      } catch (error) {
        end.close(error)
        throw aborted!.aborted ? reason() : error
      }
    },
    close: () => end.close(),
  })
}

/** Whether an error says that a channel has ended. */
function isEnd(error: unknown): boolean {
  return error instanceof ConcurrencyError && error.code === 'CONCURRENCY_CHANNEL_ENDED'
}
