/** Standard output and error: writes with back pressure, and notices that the reader has gone. */
import type { Writable } from 'node:stream'
import { type Resume, shield, suspend } from '@ipfs-kit/concurrency'
import { isSystemError, outputFault } from './cli-errors.ts'

/** A stream that may be a terminal. */
export interface OutputStream extends Writable {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** The reader of standard output has gone (`| head`): nobody wants the rest, which is no failure. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone'
}

/** One of the two output streams. */
export interface Outlet {
  readonly isTerminal: boolean
  /** Characters in a line of the terminal. */
  readonly columns: number
  /** Aborted when nothing can be written any more, with {@link ReaderGone} or the fault as reason. */
  readonly closed: AbortSignal
  /** Hands a piece over without waiting. */
  push(piece: string | Uint8Array): void
  /**
   * Hands a piece over and waits while the stream has enough.
   *
   * @param signal ends the waiting with its reason
   */
  write(piece: string | Uint8Array, signal: AbortSignal): Promise<void>
  /** Waits until everything was taken. */
  flush(): Promise<void>
}

/** Makes the outlet of a stream. `name` stands in errors. */
export function createOutlet(stream: OutputStream, name: string): Outlet {
  const closing = new AbortController()
  stream.on('error', (error) => {
    const gone = isSystemError(error) && (error.code === 'EPIPE' || error.code === 'ECONNRESET')
    closing.abort(gone ? new ReaderGone(`The reader of ${name} has gone`) : outputFault(error, name))
  })
  stream.on('close', () => closing.abort(new ReaderGone(`${name} is closed`)))

  return {
    get isTerminal() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.columns ?? 80
    },
    closed: closing.signal,
    push(piece) {
      if (!closing.signal.aborted) stream.write(piece)
    },
    async write(piece, signal) {
      signal.throwIfAborted()
      closing.signal.throwIfAborted()
      if (stream.write(piece)) return
      const begin = (room: Resume<void>): (() => void) => {
        const onDrain = (): void => room.resolve()
        stream.once('drain', onDrain)
        return () => {
          stream.off('drain', onDrain)
        }
      }
      await suspend(begin, { what: name, signal: AbortSignal.any([signal, closing.signal]) })
    },
    async flush() {
      closing.signal.throwIfAborted()
      const begin = (taken: Resume<void>): (() => void) => {
        stream.write('', () => taken.resolve())
        return () => {}
      }
      // What was handed over goes out whatever becomes of the call.
      await shield(() => suspend(begin, { what: name }))
      closing.signal.throwIfAborted()
    },
  }
}
