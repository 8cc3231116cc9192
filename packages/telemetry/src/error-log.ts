/** The failures that no answer explains, as JSON lines, from the channels of those who answer. */
import diagnosticsChannel from 'node:diagnostics_channel'

/** Options of {@link createErrorLog}. */
export interface ErrorLogOptions {
  /** Takes a line, without line end. It must not throw. */
  readonly write: (line: string) => void
}

/** A log that is written until it is closed. */
export interface ErrorLog extends AsyncDisposable {
  /** Stops listening. Idempotent. */
  close(): Promise<void>
}

const errorChannels = ['operations:error', 'server:error', 'gateway:error'] as const
const maxTextLength = 4000
const maxCauses = 5

/**
 * Writes a line for each error on the channels `operations:error`, `server:error` and `gateway:error`:
 * `{ time, level, requestId, operation, error }`, where `operation` is the name of the operation or of the door, and
 * `error` has `name`, `message`, `stack`, and where there are any `code` and `cause`. Other properties of an error are
 * not written, because they may hold requests with their headers. Texts are cut at 4,000 characters, causes after five.
 *
 * @throws TypeError for an option that is unknown or of the wrong type
 */
export function createErrorLog(options: ErrorLogOptions): ErrorLog {
  const unknown = Object.keys(options ?? {}).find((key) => key !== 'write')
  if (unknown !== undefined) throw new TypeError(`createErrorLog has no option ${unknown}; it has write`)
  if (typeof options?.write !== 'function') throw new TypeError('createErrorLog needs write, a function')
  const { write } = options
  const onError = (message: unknown): void => {
    const { requestId, name, error } = (message ?? {}) as Partial<
      Record<'requestId' | 'name' | 'error', unknown>
    >
    write(
      JSON.stringify({
        time: new Date().toISOString(),
        level: 'error',
        requestId: textOf(requestId),
        operation: textOf(name),
        error: describe(error, maxCauses),
      }),
    )
  }
  for (const channel of errorChannels) diagnosticsChannel.subscribe(channel, onError)
  const close = async (): Promise<void> => {
    for (const channel of errorChannels) diagnosticsChannel.unsubscribe(channel, onError)
  }
  return { close, [Symbol.asyncDispose]: close }
}

interface Described {
  readonly name: string | undefined
  readonly message: string | undefined
  readonly code?: string | undefined
  readonly stack?: string | undefined
  readonly cause?: Described
}

function describe(error: unknown, causesLeft: number): Described {
  if (!(error instanceof Error)) return { name: typeof error, message: textOf(error) }
  const code = 'code' in error ? textOf(error.code) : undefined
  return {
    name: textOf(error.name),
    message: textOf(error.message),
    ...(code !== undefined && { code }),
    stack: textOf(error.stack),
    ...(error.cause !== undefined && causesLeft > 0 && { cause: describe(error.cause, causesLeft - 1) }),
  }
}

/** Only what is a text or a number: anything else could hold anything. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value.slice(0, maxTextLength) : undefined
}
