/** Reads the answer of a server: a value, lines, bytes, or an error. */
import type { BytesResult } from '@ipfs-kit/operations'
import { clientError, serverError } from './errors.ts'

/** A longer line is no answer of our server. */
const maxLineLength = 67_108_864

/**
 * Reads an answer by its content type.
 *
 * @param leave called when the answer was read to its end, has failed, or was left; at once for a refusal
 * @throws ClientError; the reason of the signal
 */
export async function readAnswer(
  response: Response,
  signal: AbortSignal | undefined,
  leave: () => void,
): Promise<unknown> {
  const mediaType = response.headers.get('content-type') ?? ''
  const isBytes = response.headers.get('x-operation-returns') === 'bytes'
  const isLines = !isBytes && /^application\/x-ndjson\b/.test(mediaType)
  const isValue = !isBytes && /^application\/json\b/.test(mediaType)
  if (response.ok && isLines) return linesOf(response, signal, leave)
  if (response.ok && !isValue) return bytesOf(response, mediaType, signal, leave)
  try {
    if (!response.ok) throw await errorOf(response, signal)
    return parse(await textOf(response, signal))
  } finally {
    leave()
  }
}

async function errorOf(response: Response, signal: AbortSignal | undefined): Promise<Error> {
  const text = await textOf(response, signal)
  let error: Error | undefined
  try {
    error = serverError(JSON.parse(text), response.status)
  } catch {
    error = undefined
  }
  return (
    error ??
    clientError(
      'CLIENT_BAD_ANSWER',
      `The server answered ${response.status} without saying why: ${text.slice(0, 200)}`,
    )
  )
}

async function textOf(response: Response, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await response.text()
  } catch (error) {
    throw lost(error, signal)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw clientError('CLIENT_BAD_ANSWER', `The answer is not JSON: ${text.slice(0, 200)}`, { cause: error })
  }
}

function lost(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason
  return clientError('CLIENT_DISCONNECTED', 'The connection was lost before the end of the answer', {
    cause: error,
  })
}

function bytesOf(
  response: Response,
  mediaType: string,
  signal: AbortSignal | undefined,
  leave: () => void,
): BytesResult {
  const length = response.headers.get('content-length')
  const size = length === null || response.headers.has('content-encoding') ? undefined : Number(length)
  const pieces = piecesOf(response, signal, leave)
  return { mediaType, ...(size === undefined ? {} : { size }), body: leavable(pieces, response, leave) }
}

async function* piecesOf(
  response: Response,
  signal: AbortSignal | undefined,
  leave: () => void,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return leave()
  const reader = response.body.getReader()
  let ended = false
  try {
    for (;;) {
      const step = await reader.read()
      ended = step.done
      if (step.done) return
      yield step.value
    }
  } catch (error) {
    ended = true
    throw lost(error, signal)
  } finally {
    leave()
    if (ended) reader.releaseLock()
    else await reader.cancel()
  }
}

function linesOf(
  response: Response,
  signal: AbortSignal | undefined,
  leave: () => void,
): AsyncIterable<unknown> {
  return leavable(parsedLines(piecesOf(response, signal, leave)), response, leave)
}

async function* parsedLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of pieces) {
    const lines = (text + decoder.decode(piece, { stream: true })).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) yield lineOf(line)
    if (text.length > maxLineLength)
      throw clientError('CLIENT_BAD_ANSWER', `A line of the answer has more than ${maxLineLength} characters`)
  }
  if (text !== '') throw clientError('CLIENT_DISCONNECTED', 'The answer ends in the middle of a line')
}

/** One line. The key `error` alone is reserved for the error that ended the operation. */
function lineOf(line: string): unknown {
  const value = parse(line)
  if (typeof value !== 'object' || value === null || !('error' in value) || Object.keys(value).length > 1)
    return value
  const error = serverError(value.error)
  if (error === undefined) return value
  throw error
}

/** A generator that was never begun does not clean up when it is left; this one ends the answer then. */
function leavable<T>(
  values: AsyncGenerator<T>,
  response: Response,
  leave: () => void,
): AsyncIterableIterator<T> {
  let begun = false
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next() {
      begun = true
      return values.next()
    },
    async return() {
      await values.return(undefined)
      if (!begun) {
        leave()
        await response.body?.cancel()
      }
      return { done: true, value: undefined }
    },
  }
}
