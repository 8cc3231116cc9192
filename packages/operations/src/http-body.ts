/** Reads the body of a request: counted, cancellable, a little ahead of its consumer, and never by destroying it. */
import type { Readable } from 'node:stream'
import { type Resume, suspend } from '@ipfs-kit/concurrency'
import { OperationError, toFault } from './errors.ts'
import type { Fault } from './errors.ts'

/** Bytes that may lie read and unconsumed before the socket is paused. */
const readAheadBytes = 1_048_576

/** What the answer needs to know about the body of its request. */
export interface Upload {
  /** The consumer has asked for bytes. */
  begun: boolean
  /** The consumer has read the body to its end, or has left it. */
  finished: boolean
  /** The consumer waits for bytes of the client. */
  waiting: boolean
  /** Why the body is unusable, whatever the operation made of it. */
  failure: Fault | undefined
}

/** Options of {@link readBody}. */
export interface BodyLimits {
  readonly maxBytes: number
  readonly signal: AbortSignal
  readonly upload: Upload
}

/** A new upload of which nothing was read. */
export function newUpload(): Upload {
  return { begun: false, finished: false, waiting: false, failure: undefined }
}

/** Records a failure of the body and gives it back to be thrown. */
export function failed(upload: Upload, error: unknown): Error {
  upload.failure ??= toFault(error)
  return error instanceof Error ? error : upload.failure
}

/** The error of a body, a file or a number of files above its limit. */
export function tooLarge(what: string): OperationError {
  return new OperationError('OPERATION_BODY_TOO_LARGE', what)
}

/**
 * The bytes of a body in the pieces in which they arrive. A consumer that leaves early leaves the rest unread.
 *
 * @throws `OPERATION_BODY_TOO_LARGE` after `maxBytes`, `OPERATION_CANCELLED` when the client went away, and the reason of
 * the signal
 */
export async function* readBody(
  source: Readable,
  { maxBytes, signal, upload }: BodyLimits,
): AsyncGenerator<Uint8Array> {
  let arrived: Uint8Array[] = []
  let ahead = 0
  let total = 0
  let wake = (): void => {}
  const onData = (chunk: Uint8Array): void => {
    arrived.push(chunk)
    ahead += chunk.length
    if (ahead >= readAheadBytes) source.pause()
    wake()
  }
  const onChange = (): void => wake()
  upload.begun = true
  source.on('data', onData).on('end', onChange).on('error', onChange).on('close', onChange)
  signal.addEventListener('abort', onChange)
  try {
    for (;;) {
      signal.throwIfAborted()
      if (arrived.length > 0) {
        const batch = arrived
        arrived = []
        ahead = 0
        for (const chunk of batch) {
          total += chunk.length
          if (total > maxBytes) throw tooLarge(`The body has more than ${maxBytes} bytes`)
          yield chunk
        }
        if (source.isPaused()) source.resume()
        continue
      }
      if (source.readableEnded) return
      if (source.destroyed)
        throw new OperationError('OPERATION_CANCELLED', 'The client went away before the end of its body')
      upload.waiting = true
      const begin = (arrival: Resume<void>): (() => void) => {
        wake = () => arrival.resolve()
        return () => {}
      }
      await suspend(begin, { what: 'body of the request' })
      upload.waiting = false
    }
  } catch (error) {
    // Cut off while it waited: whoever reads has had enough, which is no failure of the body.
    if (upload.waiting) throw error
    throw failed(upload, error)
  } finally {
    source.off('data', onData).off('end', onChange).off('error', onChange).off('close', onChange)
    signal.removeEventListener('abort', onChange)
    source.pause()
    upload.waiting = false
    upload.finished = true
  }
}

/** Passes values on and notes when their consumer is done without ever having asked for bytes. */
export async function* noteUnread<T>(values: AsyncIterable<T>, upload: Upload): AsyncGenerator<T> {
  try {
    yield* values
  } finally {
    if (!upload.begun) upload.finished = true
  }
}
