/** Traces of requests: one key a line, with its bytes behind it if they are known. */
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import type { Readable } from 'node:stream'
import { CacheError } from '../errors.ts'
import { grown } from '../links.ts'

/** A trace, with keys as numbers from 0 in the order in which they were first asked for. */
export interface Trace {
  readonly requests: Int32Array
  /** Distinct keys. */
  readonly keys: number
  /** Of each key; absent if the trace says nothing of bytes. */
  readonly sizes?: Float64Array
}

/**
 * What a trace has at most. A request takes four bytes of memory, and four more while the optimum is computed; a key some
 * 100 bytes and its characters.
 */
export const traceLimits = { requests: 2 ** 26, keys: 2 ** 23, keyCharacters: 2 ** 28 }
const maxLine = 65_536

/**
 * Reads a trace from a file in UTF-8, which may be compressed by gzip. A line is a key, or a key, a tab or space, and its
 * bytes; of a key the first bytes count. Empty lines and those that begin with `#` are left out.
 *
 * @throws CacheError CACHE_BAD_REPLAY
 */
export async function readTrace(path: string, signal: AbortSignal): Promise<Trace> {
  const source = createReadStream(path, { signal })
  try {
    return await parseTrace(linesOf(path.endsWith('.gz') ? unpacked(source) : source), path)
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof CacheError) throw cause
    throw new CacheError('CACHE_BAD_REPLAY', `${path} cannot be read: ${reasonOf(cause)}`, { cause })
  } finally {
    source.destroy()
  }
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is no text in UTF-8' : message
}

/** A pipe does not hand on what its source fails with. */
function unpacked(source: Readable): Readable {
  const unpacking = createGunzip()
  source.once('error', (error) => unpacking.destroy(error))
  return source.pipe(unpacking)
}

/** The lines of a text, as many at once as come. */
async function* linesOf(bytes: Readable): AsyncGenerator<readonly string[]> {
  // What is no text is refused: replaced, keys that differ would be one.
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of bytes as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLine) throw bad(`a line has more than ${maxLine} characters`)
    yield lines
  }
  yield [rest + decoder.decode()]
}

/** The trace in batches of lines. `name` stands in errors. @throws CacheError CACHE_BAD_REPLAY */
export async function parseTrace(
  batches: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  name: string,
  limits = traceLimits,
): Promise<Trace> {
  const numbers = new Map<string, number>()
  const sizes: number[] = []
  let requests = new Int32Array(1024)
  let count = 0
  let characters = 0
  let withSizes: boolean | undefined
  let number = 0
  for await (const lines of batches) {
    for (const line of lines) {
      number += 1
      const text = line.trim()
      if (text === '' || text.startsWith('#')) continue
      const [key, size, more] = text.split(/\s+/) as [string, string?, string?]
      const bytes = size === undefined ? 0 : Number(size)
      if (more !== undefined || !Number.isSafeInteger(bytes) || bytes < 0)
        throw bad(`${name}, line ${number}: a line is a key, or a key and its bytes`)
      withSizes ??= size !== undefined
      if (withSizes !== (size !== undefined))
        throw bad(`${name}, line ${number}: either all lines say their bytes, or none`)
      if (count === limits.requests) throw tooLong(name, limits.requests, 'requests')
      let known = numbers.get(key)
      if (known === undefined) {
        known = numbers.size
        characters += key.length
        if (known === limits.keys) throw tooLong(name, limits.keys, 'keys')
        if (characters > limits.keyCharacters)
          throw tooLong(name, limits.keyCharacters, 'characters in its keys')
        // A part of a string holds all of it in memory.
        numbers.set(Buffer.from(key).toString(), known)
        sizes.push(bytes)
      }
      if (count === requests.length) requests = grown(requests, 2 * count)
      requests[count] = known
      count += 1
    }
  }
  if (count === 0) throw bad(`${name} has no requests`)
  return {
    requests: requests.subarray(0, count),
    keys: numbers.size,
    ...(withSizes === true ? { sizes: Float64Array.from(sizes) } : {}),
  }
}

function tooLong(name: string, most: number, what: string): CacheError {
  return bad(`${name} has more than ${most} ${what}, the most that can be replayed: replay a part of it`)
}

function bad(message: string): CacheError {
  return new CacheError('CACHE_BAD_REPLAY', message)
}
