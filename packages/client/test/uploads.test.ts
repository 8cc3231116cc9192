import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EntryReadError, operation } from '@ipfs-kit/operations'
import type { FileEntry, Progress, TableOf } from '@ipfs-kit/operations'
import { createClient } from '@ipfs-kit/client'
import { tree } from '@ipfs-kit/concurrency'
import type { ClientFileEntry } from '@ipfs-kit/client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { serve } from './server.ts'

const sha256 = (...pieces: Uint8Array[]): string => {
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
const base = { parts: [], effect: 'write', scope: 'write', doors: ['cli'] } as const
/** Says `piece` when an operation has got one, and `aborted` when its signal was. */
const events = new EventEmitter()

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
const table = [list, take, small] as const

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

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

async function* streamOf<T>(...values: readonly T[]): AsyncGenerator<T> {
  yield* values
}

async function* failingAfter(pieces: readonly Uint8Array[], error: Error): AsyncGenerator<Uint8Array> {
  yield* pieces
  throw error
}

/** Fails when the server has begun to read. */
async function* failingWhenRead(error: Error): AsyncGenerator<Uint8Array> {
  const piece = once(events, 'piece')
  yield new Uint8Array(3_000_000)
  await piece
  throw error
}

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value)
const reasonOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (reason: unknown) => reason,
  )

describe('bytes', () => {
  const large = new Uint8Array(3_000_000).map((_, index) => index % 251)

  test.each([
    ['whole', () => large],
    ['as a blob', () => new Blob([large], { type: 'text/plain' })],
    ['in large pieces', () => streamOf(large.subarray(0, 1_000_000), large.subarray(1_000_000))],
    [
      'in small pieces',
      () =>
        streamOf(
          ...Array.from({ length: 3_000 }, (_, index) => large.subarray(index * 1_000, (index + 1) * 1_000)),
        ),
    ],
    [
      'in pieces of all sizes',
      () =>
        streamOf(
          large.subarray(0, 1),
          large.subarray(1, 1),
          large.subarray(1, 100_001),
          large.subarray(100_001, 100_011),
          large.subarray(100_011),
        ),
    ],
  ])('arrive %s, with the input beside them', async (_title, body) => {
    const { client } = await serve(table)
    const input = { note: 'ü & ?', flag: true, number: -1.5 }
    const answer = await client.call('bytes.take', input, { body: body() })
    expect(answer).toEqual({ ...input, size: 3_000_000, sha256: sha256(large) })
  })

  test('may be none', async () => {
    const { client } = await serve(table)
    for (const body of [new Uint8Array(), new Blob([]), streamOf<Uint8Array>(), streamOf(new Uint8Array())]) {
      expect(await client.call('bytes.take', {}, { body })).toMatchObject({ size: 0 })
    }
  })

  test('go out although their source pauses', async () => {
    const { client } = await serve(table)
    const paused = async function* (): AsyncGenerator<Uint8Array> {
      const piece = once(events, 'piece')
      yield text('first')
      await piece
      yield text('second')
    }
    expect(await client.call('bytes.take', {}, { body: paused() })).toMatchObject({ size: 11 })
  })

  test('leave no owner behind', async () => {
    const { client } = await serve(table)
    const owners = (): string[] => tree().inner.map((inner) => inner.name)
    const before = owners()
    const paused = async function* (): AsyncGenerator<Uint8Array> {
      const piece = once(events, 'piece')
      yield text('first')
      // It comes when the pause is over, which has an owner then.
      await piece
      expect(owners()).toContain('upload')
      yield text('second')
    }
    await client.call('bytes.take', {}, { body: paused() })
    await expect.poll(owners, { interval: 1 }).toEqual(before)
    expect(owners().filter((name) => name.startsWith('upload'))).toEqual([])
  })

  test('are refused without being sent to the end', async () => {
    const { client } = await serve(table)
    let made = 0
    let left = false
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          made += 65_536
          yield new Uint8Array(65_536)
        }
      } finally {
        left = true
      }
    }
    await expect(client.call('bytes.small', {}, { body: endless() })).rejects.toMatchObject({
      code: 'OPERATION_BODY_TOO_LARGE',
      kind: 'too-large',
      status: 413,
    })
    expect(left).toBe(true)
    expect(made).toBeLessThan(100_000_000)
    await expect(client.call('bytes.small', {}, { body: new Uint8Array(1_001) })).rejects.toMatchObject({
      status: 413,
    })
  })

  test('that cannot be read end the call with what their source threw', async () => {
    const { client } = await serve(table)
    const aborted = once(events, 'aborted')
    const error = new EntryReadError('EIO', 'broken')
    expect(await reasonOf(client.call('bytes.take', {}, { body: failingWhenRead(error) }))).toBe(error)
    expect(await reasonOf(client.call('bytes.take', {}, { body: failingAfter([], error) }))).toBe(error)
    expect(await aborted).toMatchObject([{ name: 'AbortError' }])
  })

  test('are left when the signal says so', async () => {
    const { client } = await serve(table)
    const aborted = once(events, 'aborted')
    const controller = new AbortController()
    const reason = new Error('enough')
    let left = false
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(65_536)
      } finally {
        left = true
      }
    }
    events.once('piece', () => controller.abort(reason))
    expect(
      await reasonOf(client.call('bytes.take', {}, { body: endless(), signal: controller.signal })),
    ).toBe(reason)
    expect(await aborted).toMatchObject([{ name: 'AbortError' }])
    expect(left).toBe(true)
  })

  test('are refused when they are something else, and so is an input that no query can carry', async () => {
    const { client } = await serve(table)
    for (const body of [streamOf('text'), [1, 2]]) {
      await expect(client.call('bytes.take', {}, { body: body as never })).rejects.toThrow(TypeError)
    }
    await expect(
      client.call('bytes.take', { note: ['a'] as never }, { body: new Uint8Array() }),
    ).rejects.toThrow(/note/)
  })
})

describe('files', () => {
  const files: readonly ClientFileEntry[] = [
    { path: 'a.txt', content: text('a') },
    { path: 'dir/ü — 文.txt', content: new Uint8Array(5_000).fill(3) },
    { path: 'dir/empty', content: new Uint8Array() },
    { path: 'folder' },
    { path: 'unreadable', failed: { code: 'EACCES', message: 'not "yours"\r\n' } },
    {
      path: 'large',
      content: streamOf(new Uint8Array(2_000_000).fill(1), new Uint8Array(2_000_000).fill(2)),
    },
    { path: 'last', content: streamOf(text('la'), text('st')) },
  ]
  const expected = [
    { path: 'a.txt', kind: 'file', sha256: sha256(text('a')) },
    { path: 'dir/ü — 文.txt', kind: 'file', size: 5_000 },
    { path: 'dir/empty', kind: 'file', size: 0 },
    { path: 'folder', kind: 'folder' },
    { path: 'unreadable', kind: 'failed', failed: 'EACCES: not "yours"\r\n' },
    {
      path: 'large',
      kind: 'file',
      size: 4_000_000,
      sha256: sha256(new Uint8Array(2_000_000).fill(1), new Uint8Array(2_000_000).fill(2)),
    },
    { path: 'last', kind: 'file', sha256: sha256(text('last')) },
  ]

  test('arrive one after the other', async () => {
    const { client } = await serve(table)
    expect(
      await collect(await client.call('files.list', { note: 'x' }, { body: streamOf(...files) })),
    ).toMatchObject(expected)
  })

  test('arrive with every name that a file can have', async () => {
    const { client } = await serve(table)
    const paths = [
      '"',
      '%22',
      '%',
      'a\nb',
      'a\r\nb',
      "it's",
      'a; filename="b"',
      "x; filename*=UTF-8''y",
      '\\',
      'a\\b',
      ' ',
      '🙂',
      'C:',
      '~',
      '*',
      'a\tb',
      '%0D',
    ]
    const usable = paths.filter((path) => !path.endsWith('\\'))
    for (const content of [() => text('x'), () => new Blob(['x'])]) {
      const body = usable.map((path) => ({ path, content: content() }))
      expect((await collect(await client.call('files.list', {}, { body }))).map(({ path }) => path)).toEqual(
        usable,
      )
    }
    for (const path of usable) {
      const body = [{ path, content: text('x') }]
      expect(await collect(await client.call('files.list', {}, { body }))).toMatchObject([{ path, size: 1 }])
    }
  })

  test('arrive raw when there is one, and none when there is none', async () => {
    const types: unknown[] = []
    const { app, client } = await serve(table)
    app.server.on('request', ({ headers }) => types.push(headers['content-type']?.split(';')[0]))
    for (const content of [text('x'), new Blob(['x']), streamOf(text('x'))]) {
      expect(
        await collect(await client.call('files.list', {}, { body: [{ path: 'one', content }] })),
      ).toMatchObject([{ path: 'one', size: 1 }])
    }
    expect(
      await collect(await client.call('files.list', {}, { body: [{ path: 'dir/one', content: text('x') }] })),
    ).toMatchObject([{ path: 'dir/one' }])
    expect(await collect(await client.call('files.list', {}, { body: [{ path: 'folder' }] }))).toMatchObject([
      { kind: 'folder' },
    ])
    expect(await collect(await client.call('files.list', {}, { body: [] }))).toEqual([])
    expect(await collect(await client.call('files.list', {}, { body: streamOf<FileEntry>() }))).toEqual([])
    const octets = 'application/octet-stream'
    const form = 'multipart/form-data'
    const nothing = 'application/vnd.ipfs-kit.nothing'
    expect(types).toEqual([octets, octets, octets, form, form, nothing, nothing])
  })

  test('arrive as blobs, with their length', async () => {
    const lengths: unknown[] = []
    const { app, client } = await serve(table)
    app.server.on('request', ({ headers }) => lengths.push(headers['content-length']))
    const body: ClientFileEntry[] = [
      { path: 'a', content: new Blob(['aaa'], { type: 'image/png' }) },
      { path: 'dir/b', content: text('bb') },
      { path: 'folder' },
      { path: 'bad', failed: { code: 'EIO', message: 'broken' } },
    ]
    const answer = await collect(await client.call('files.list', {}, { body }))
    expect(answer).toMatchObject([
      { path: 'a', size: 3 },
      { path: 'dir/b', size: 2 },
      { kind: 'folder' },
      { kind: 'failed', failed: 'EIO: broken' },
    ])
    expect(Number(lengths[0])).toBeGreaterThan(100)
    expect(await collect(await client.call('files.list', {}, { body: streamOf(...body) }))).toEqual(answer)
  })

  test.each([0, 500, 3_000_000])(
    'that fail after %i bytes are failed items, and the others go on',
    async (size) => {
      const { client } = await serve(table)
      const content = failingAfter(
        size === 0 ? [] : [new Uint8Array(size)],
        new EntryReadError('EIO', 'The disk is broken'),
      )
      const body = streamOf<FileEntry>(
        { path: 'a', content: text('a') },
        { path: 'bad', content },
        { path: 'c', content: text('c') },
      )
      expect(await collect(await client.call('files.list', {}, { body }))).toMatchObject([
        { path: 'a', kind: 'file' },
        { path: 'bad', kind: 'failed', failed: 'EIO: The disk is broken' },
        { path: 'c', kind: 'file' },
      ])
    },
  )

  test('that fail in another way end the call', async () => {
    const { client } = await serve(table)
    const aborted = once(events, 'aborted')
    const error = new Error('a defect')
    const content = failingWhenRead(error)
    expect(
      await reasonOf(client.call('files.list', {}, { body: streamOf<FileEntry>({ path: 'a', content }) })),
    ).toBe(error)
    expect(await aborted).toMatchObject([{ name: 'AbortError' }])
  })

  test('go on being sent though the answer has begun', async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{"path":"early"}\n')
      let received = 0
      request.on('data', (chunk: Uint8Array) => (received += chunk.byteLength))
      request.on('end', () => response.end(`{"path":"${received}"}\n`))
    })
    server.listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const client = createClient<TableOf<typeof table>>({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    })
    const pieces = async function* (): AsyncGenerator<FileEntry> {
      for (let n = 0; n < 20; n += 1) yield { path: `${n}`, content: new Uint8Array(1_000_000) }
    }
    const [early, late] = await collect(await client.call('files.list', {}, { body: pieces() }))
    expect(early?.path).toBe('early')
    expect(Number(late?.path)).toBeGreaterThan(20_000_000)
  })

  test('of which the server wants no more are left where they are', async () => {
    const { client } = await serve(table)
    let left = false
    const endless = async function* (): AsyncGenerator<FileEntry> {
      try {
        for (let n = 0; ; n += 1) yield { path: `${n}`, content: new Uint8Array(1_000) }
      } finally {
        left = true
      }
    }
    const lines = await collect(await client.call('files.list', { max: 3 }, { body: endless() }))
    expect(lines.map(({ path }) => path)).toEqual(['0', '1', '2'])
    expect(left).toBe(true)
  })

  test('of a bad name are refused by the server', async () => {
    const { client } = await serve(table)
    for (const path of ['../a', '/a', '']) {
      for (const body of [[{ path, content: text('x') }], streamOf({ path, content: text('x') })]) {
        await expect(client.call('files.list', {}, { body })).rejects.toMatchObject({
          code: 'OPERATION_BODY_INVALID',
          status: 400,
        })
      }
    }
  })
})

describe('progress', () => {
  test('tells the bytes and files that went out', async () => {
    const { client } = await serve(table)
    const heard: Progress[] = []
    const progress = (each: Progress): void => void heard.push(each)
    await client.call('bytes.take', {}, { body: new Uint8Array(1_000), progress })
    expect(heard).toEqual([{ stage: 'uploading', bytes: 1_000, totalBytes: 1_000 }])
    heard.length = 0
    const pieces = Array.from({ length: 10 }, () => new Uint8Array(100_000))
    await client.call('bytes.take', {}, { body: streamOf(...pieces), progress })
    expect(heard.map(({ bytes }) => bytes)).toEqual(pieces.map((_, index) => (index + 1) * 100_000))
    heard.length = 0
    const files = pieces.map((content, index) => ({ path: `f${index}`, content }))
    await collect(await client.call('files.list', {}, { body: streamOf(...files), progress }))
    expect(heard.at(-1)).toMatchObject({ stage: 'uploading', items: 10 })
    expect(heard.at(-1)!.bytes).toBeGreaterThan(1_000_000)
  })
})

test('a connection stays open after an upload', async () => {
  const { app, client } = await serve(table)
  const headers: unknown[] = []
  app.server.on('request', (_request, response) =>
    response.on('finish', () => headers.push(response.getHeader('connection'))),
  )
  await client.call('bytes.take', {}, { body: streamOf(new Uint8Array(100_000)) })
  await client.call('bytes.take', {}, { body: new Uint8Array(100_000) })
  await collect(
    await client.call('files.list', {}, { body: streamOf({ path: 'a', content: text('a') }, { path: 'b' }) }),
  )
  expect(headers).toEqual([undefined, undefined, undefined])
})
