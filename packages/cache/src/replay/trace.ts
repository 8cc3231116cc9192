/** Traces of requests: one key a line, with its bytes behind it if they are known. */
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import type { Readable } from 'node:stream'
import { CacheError } from '../errors.ts'

/** A trace, with keys as numbers from 0 in the order in which they were first asked for. */
export interface Trace {
  readonly requests: Int32Array
  /** Distinct keys. */
  readonly keys: number
  /** Of each key; absent if the trace says nothing of bytes. */
  readonly sizes?: Float64Array
}

/** Requests of a trace at most: each takes four bytes of memory. */
const maxRequests = 2 ** 27
const maxLine = 65_536

/**
 * Reads a trace from a file, which may be compressed by gzip. A line is a key, or a key, a tab or space, and its bytes; of a
 * key the first bytes count. Empty lines and those that begin with `#` are left out.
 *
 * @throws CacheError CACHE_BAD_REPLAY
 */
export async function readTrace(path: string, signal?: AbortSignal): Promise<Trace> {
  const source = createReadStream(path)
  try {
    return await parseTrace(linesOf(path.endsWith('.gz') ? unpacked(source) : source, signal), path)
  } catch (cause) {
    if (cause instanceof CacheError || signal?.aborted === true) throw cause
    throw new CacheError('CACHE_BAD_REPLAY', `${path} cannot be read`, { cause })
  } finally {
    source.destroy()
  }
}

/** A pipe does not hand on what its source fails with. */
function unpacked(source: Readable): Readable {
  const unpacking = createGunzip()
  source.once('error', (error) => unpacking.destroy(error))
  return source.pipe(unpacking)
}

async function* linesOf(bytes: Readable, signal: AbortSignal | undefined): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes as AsyncIterable<Uint8Array>) {
    signal?.throwIfAborted()
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLine) throw bad(`a line has more than ${maxLine} characters`)
    yield* lines
  }
  yield rest + decoder.decode()
}

/** The trace in some lines. `name` stands in errors. @throws CacheError CACHE_BAD_REPLAY */
export async function parseTrace(
  lines: AsyncIterable<string> | Iterable<string>,
  name: string,
): Promise<Trace> {
  const numbers = new Map<string, number>()
  const sizes: number[] = []
  let requests = new Int32Array(1024)
  let count = 0
  let withSizes: boolean | undefined
  let number = 0
  for await (const line of lines) {
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
    if (count === maxRequests) throw bad(`${name} has more than ${maxRequests} requests`)
    let known = numbers.get(key)
    if (known === undefined) {
      known = numbers.size
      numbers.set(key, known)
      sizes.push(bytes)
    }
    if (count === requests.length) {
      const longer = new Int32Array(2 * count)
      longer.set(requests)
      requests = longer
    }
    requests[count] = known
    count += 1
  }
  if (count === 0) throw bad(`${name} has no requests`)
  return {
    requests: requests.subarray(0, count),
    keys: numbers.size,
    ...(withSizes === true ? { sizes: Float64Array.from(sizes) } : {}),
  }
}

function bad(message: string): CacheError {
  return new CacheError('CACHE_BAD_REPLAY', message)
}
