/** The pipes of a process as web streams of bytes. */
import type { Readable, Writable } from 'node:stream'
import { AbortError } from '../cancel-reason.ts'
import { ConcurrencyError } from '../errors.ts'

/** The most bytes that are read ahead of the consumer. */
const readAheadBytes = 65_536

/** A stream, and what makes it fail. */
export interface FailableStream {
  readonly stream: ReadableStream<Uint8Array>
  /** Lets go of what was not read, and fails the stream, unless it has ended. */
  fail(reason: unknown): void
}

/** What a process writes. Reading slowly holds the process back; cancelling closes the pipe. */
export function bytesFrom(pipe: Readable): FailableStream {
  let isOver = false
  let fail: (reason: unknown) => void
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        pipe.on('data', (chunk: Uint8Array) => {
          if (isOver) return
          controller.enqueue(chunk)
          if ((controller.desiredSize ?? 0) <= 0) pipe.pause()
        })
        pipe.once('end', () => {
          if (isOver) return
          isOver = true
          controller.close()
        })
        pipe.once('close', () =>
          fail(new AbortError('the pipe was closed before its end', 'shutdown', 'process')),
        )
        fail = (reason) => {
          if (isOver) return
          isOver = true
          controller.error(reason)
        }
        pipe.once('error', fail)
        pipe.pause()
      },
      pull() {
        pipe.resume()
      },
      cancel() {
        isOver = true
        pipe.destroy()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: readAheadBytes }),
  )
  return { stream, fail: fail! }
}

/**
 * What a process reads. A write resolves when the pipe has taken it. Closing it when the process no longer reads is no
 * error; writing then rejects with `CONCURRENCY_PROCESS_STDIN_CLOSED`.
 */
export function bytesTo(pipe: Writable, name: string): WritableStream<Uint8Array> {
  // Each failed write is told of by its own callback.
  pipe.on('error', () => undefined)
  return new WritableStream<Uint8Array>(
    {
      write: (chunk) =>
        new Promise((resolve, reject) => {
          if (!(chunk instanceof Uint8Array)) {
            reject(new TypeError(`stdin takes bytes, not ${typeof chunk}`))
            return
          }
          pipe.write(chunk, (error) => {
            if (!error) resolve()
            else if (isClosedPipe(error)) reject(closedStdin(name, error))
            else reject(error)
          })
        }),
      close: () =>
        new Promise((resolve, reject) => {
          if (pipe.destroyed) {
            resolve()
            return
          }
          pipe.end((error?: Error | null) => {
            if (!error || isClosedPipe(error)) resolve()
            else reject(error)
          })
        }),
      abort() {
        pipe.destroy()
      },
    },
    // What is no bytes is refused by the write, not here.
    { highWaterMark: readAheadBytes, size: (chunk) => (chunk instanceof Uint8Array ? chunk.byteLength : 1) },
  )
}

/** Whether a write failed because nobody reads any more. */
export function isClosedPipe(error: Error): boolean {
  return 'code' in error && closedPipeCodes.has(error.code)
}

const closedPipeCodes = new Set<unknown>([
  'EPIPE',
  // A write that was under way when our end was closed.
  'ECANCELED',
  'ECONNRESET',
  'EOF',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_STREAM_ALREADY_FINISHED',
])

function closedStdin(name: string, cause: Error): ConcurrencyError {
  return new ConcurrencyError(
    'CONCURRENCY_PROCESS_STDIN_CLOSED',
    `${name} does not read its stdin any more`,
    { cause },
  )
}
