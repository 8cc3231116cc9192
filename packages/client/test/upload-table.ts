/** A table of operations that say what arrived, and bodies for them. */
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { EntryReadError, operation } from '@ipfs-kit/operations'
import type { FileEntry } from '@ipfs-kit/operations'
import { z } from 'zod'

export const sha256 = (...pieces: Uint8Array[]): string => {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}

const line = z.object({
  path: z.string(),
  kind: z.enum(['file', 'folder', 'failed']),
  size: z.number(),
  sha256: z.string(),
  failed: z.string(),
})
const base = { parts: [], effect: 'write', scope: 'content:write', doors: ['cli'] } as const
/** Says `piece` when an operation has got one, and `aborted` when its signal was. */
export const events = new EventEmitter()

const list = operation<object>()({
  ...base,
  name: 'files.list',
  summary: 'List files.',
  input: z.object({ note: z.string().optional(), max: z.number().optional() }),
  output: line,
  body: 'files',
  returns: 'lines',
  async *run(_parts, { max = Infinity }, { signal }, body) {
    signal.addEventListener('abort', () => events.emit('aborted', signal.reason))
    let count = 0
    for await (const entry of body) {
      yield await describeEntry(entry)
      count += 1
      if (count === max) return
    }
  },
})
const take = operation<object>()({
  ...base,
  name: 'bytes.take',
  summary: 'Take bytes.',
  input: z.object({
    note: z.string().default(''),
    flag: z.boolean().default(false),
    number: z.number().default(0),
  }),
  output: z.object({
    note: z.string(),
    flag: z.boolean(),
    number: z.number(),
    size: z.number(),
    sha256: z.string(),
  }),
  body: 'bytes',
  returns: 'value',
  async run(_parts, input, { signal }, body) {
    signal.addEventListener('abort', () => events.emit('aborted', signal.reason))
    const hash = createHash('sha256')
    let size = 0
    for await (const piece of body) {
      size += piece.length
      hash.update(piece)
      events.emit('piece')
    }
    return { ...input, size, sha256: hash.digest('hex') }
  },
})
const small = { ...take, name: 'bytes.small', maxBodyBytes: 1_000 } as const
export const table = [list, take, small] as const

async function describeEntry({ path, content, failed }: FileEntry): Promise<z.output<typeof line>> {
  const nothing = { path, size: 0, sha256: '', failed: '' }
  if (failed !== undefined) return { ...nothing, kind: 'failed', failed: `${failed.code}: ${failed.message}` }
  if (content === undefined) return { ...nothing, kind: 'folder' }
  const pieces: Uint8Array[] = []
  try {
    if (content instanceof Uint8Array) pieces.push(content)
    else {
      for await (const piece of content) {
        pieces.push(piece)
        events.emit('piece')
      }
    }
  } catch (error) {
    if (!(error instanceof EntryReadError)) throw error
    return { ...nothing, kind: 'failed', failed: `${error.code}: ${error.message}` }
  }
  const size = pieces.reduce((sum, { length }) => sum + length, 0)
  return { ...nothing, kind: 'file', size, sha256: sha256(...pieces) }
}

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

export async function* streamOf<T>(...values: readonly T[]): AsyncGenerator<T> {
  yield* values
}

export async function* failingAfter(pieces: readonly Uint8Array[], error: Error): AsyncGenerator<Uint8Array> {
  yield* pieces
  throw error
}

/** Fails when the server has begun to read. */
export async function* failingWhenRead(error: Error): AsyncGenerator<Uint8Array> {
  const piece = once(events, 'piece')
  yield new Uint8Array(3_000_000)
  await piece
  throw error
}

export const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value)
export const reasonOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (reason: unknown) => reason,
  )
