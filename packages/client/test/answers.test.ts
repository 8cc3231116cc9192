import { EventEmitter, once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { ClientError, createClient } from '@ipfs-kit/client'
import { isFault, operation } from '@ipfs-kit/operations'
import type { Caller, TableOf } from '@ipfs-kit/operations'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { serve } from './server.ts'

const base = { parts: [], body: 'none', effect: 'read', scope: 'content:read', doors: ['cli'] } as const
const fault = (kind: string): Error =>
  Object.assign(new Error('What happened'), { code: 'TEST_CODE', kind, next: 'Do this.' })
/** Says `left` when an operation has ended early. */
const events = new EventEmitter()

const add = operation<object>()({
  ...base,
  name: 'number.add',
  summary: 'Add.',
  input: z.object({ a: z.number(), b: z.number().default(1) }),
  output: z.object({ sum: z.number() }),
  returns: 'value',
  run: async (_parts, { a, b }) => ({ sum: a + b }),
})
const count = operation<object>()({
  ...base,
  name: 'number.count',
  summary: 'Count.',
  input: z.object({ to: z.number(), fail: z.string().optional(), text: z.string().default('') }),
  output: z.object({ n: z.number(), text: z.string() }),
  returns: 'lines',
  async *run(_parts, { to, fail, text }, { signal }) {
    try {
      for (let n = 1; n <= to; n += 1) {
        signal.throwIfAborted()
        yield { n, text }
      }
      if (fail !== undefined) throw fault(fail)
    } finally {
      events.emit('left', 'count')
    }
  },
})
const read = operation<object>()({
  ...base,
  name: 'bytes.read',
  summary: 'Read.',
  input: z.object({
    size: z.number(),
    mediaType: z.string(),
    cut: z.boolean().default(false),
    known: z.boolean().default(true),
  }),
  output: z.never(),
  returns: 'bytes',
  async run(_parts, { size, mediaType, cut, known }) {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < size; at += 1_000)
        yield new Uint8Array(Math.min(1_000, size - at)).fill(at / 1_000)
      if (cut) throw new Error('cut')
    }
    return { mediaType, ...(known ? { size: cut ? size + 1 : size } : {}), body: pieces() }
  },
})
const fail = operation<object>()({
  ...base,
  name: 'test.fail',
  summary: 'Fail.',
  input: z.object({ kind: z.string() }),
  output: z.object({}),
  returns: 'value',
  run: async (_parts, { kind }) => Promise.reject(fault(kind)),
})
const wait = operation<object>()({
  ...base,
  name: 'test.wait',
  summary: 'Wait.',
  input: z.object({}),
  output: z.object({}),
  returns: 'value',
  async run(_parts, _input, { signal }) {
    await once(signal, 'abort')
    events.emit('left', 'wait')
    throw signal.reason
  },
})
const table = [add, count, read, fail, wait] as const

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

const reasonOf = async (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => 'resolved',
    (reason: unknown) => reason,
  )

/** A server that answers anything with the same bytes. */
async function answering(text: string, end: 'end' | 'reset' | 'stay' = 'end'): Promise<string> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      if (end === 'reset') socket.write(text, () => socket.resetAndDestroy())
      else if (end === 'end') socket.end(text)
      else socket.write(text)
    })
    onTestFinished(() => void socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a call', () => {
  test('gives the value', async () => {
    const { client } = await serve(table)
    const { sum } = await client.call('number.add', { a: 2, b: 3 })
    expectTypeOf(sum).toBeNumber()
    expect(sum).toBe(5)
    expect(await client.call('number.add', { a: 2 })).toEqual({ sum: 3 })
  })

  test('is typed by the table', async () => {
    const { client } = await serve(table)
    expectTypeOf(client).toExtend<Caller<TableOf<typeof table>>>()
    // @ts-expect-error: no such operation
    await expect(client.call('number.none', {})).rejects.toMatchObject({
      code: 'OPERATION_UNKNOWN',
      status: 404,
    })
    // @ts-expect-error: a number is wanted
    await expect(client.call('number.add', { a: 'x' })).rejects.toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
    })
  })

  test('goes below the path of the URL', async () => {
    const { client, url } = await serve(table, { prefix: '/some/where' })
    expect(await client.call('number.add', { a: 1 })).toEqual({ sum: 2 })
    expect(
      await createClient<TableOf<typeof table>>({ url: new URL(`${url}/`) }).call('number.add', { a: 1 }),
    ).toEqual({ sum: 2 })
  })

  test('carries the token', async () => {
    const authorize = (request: { headers: { authorization?: string | undefined } }): void => {
      if (request.headers.authorization !== 'Bearer secret') throw fault('unauthenticated')
    }
    const { client, url } = await serve(table, { authorize, client: { token: 'secret' } })
    expect(await client.call('number.add', { a: 1 })).toEqual({ sum: 2 })
    const stranger = createClient<TableOf<typeof table>>({ url })
    await expect(stranger.call('number.add', { a: 1 })).rejects.toMatchObject({
      kind: 'unauthenticated',
      status: 401,
    })
  })

  test('is made with the fetch that is given', async () => {
    const asked: unknown[] = []
    const { client } = await serve(table, {
      client: {
        fetch: async (input, init) => {
          asked.push(input)
          return fetch(input, init)
        },
      },
    })
    await client.call('number.add', { a: 1 })
    expect(asked).toMatchObject([expect.stringMatching(/\/api\/v1\/number\/add$/)])
  })

  test('cannot be made with an unknown option or a URL that is not http', () => {
    expect(() => createClient({ url: 'http://x', tokne: 'x' } as never)).toThrow(/tokne/)
    expect(() => createClient({ url: 'ftp://x' })).toThrow(/ftp:/)
    expect(() => createClient({ url: 'nothing' })).toThrow(TypeError)
  })
})

describe('lines', () => {
  test('arrive one by one', async () => {
    const { client } = await serve(table)
    const lines = await client.call('number.count', { to: 30_000, text: 'ü — 文' })
    const all = await collect(lines)
    expect(all.length).toBe(30_000)
    expect(all.every(({ n, text }, index) => n === index + 1 && text === 'ü — 文')).toBe(true)
  })

  test('may be none', async () => {
    const { client } = await serve(table)
    expect(await collect(await client.call('number.count', { to: 0 }))).toEqual([])
  })

  test('end with the error of the server', async () => {
    const { client } = await serve(table)
    await expect(client.call('number.count', { to: 0, fail: 'conflict' })).rejects.toMatchObject({
      status: 409,
    })
    const lines = (await client.call('number.count', { to: 2, fail: 'not-found' }))[Symbol.asyncIterator]()
    expect((await lines.next()).value).toMatchObject({ n: 1 })
    expect((await lines.next()).value).toMatchObject({ n: 2 })
    const error = await reasonOf(lines.next())
    expect(error).toBeInstanceOf(ClientError)
    expect(error).toMatchObject({
      code: 'TEST_CODE',
      kind: 'not-found',
      next: 'Do this.',
      requestId: expect.any(String),
      status: undefined,
    })
  })

  test.each(['begun', 'not begun'])('that are left (%s) end the call on the server', async (how) => {
    const { client } = await serve(table)
    const left = once(events, 'left')
    const lines = (await client.call('number.count', { to: 1e9 }))[Symbol.asyncIterator]()
    if (how === 'begun') await lines.next()
    await lines.return?.()
    expect(await left).toEqual(['count'])
  })

  test('that are cut never look whole', async () => {
    const header = 'HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n'
    const chunked = `${header}transfer-encoding: chunked\r\n\r\n8\r\n{"n":1}\n\r\n`
    for (const [text, end] of [
      [chunked, 'end'],
      [chunked, 'reset'],
      [`${header}connection: close\r\n\r\n{"n":1}\n{"n`, 'end'],
    ] as const) {
      const client = createClient<TableOf<typeof table>>({ url: await answering(text, end) })
      const lines = await client.call('number.count', { to: 2 })
      expect(await reasonOf(collect(lines))).toMatchObject({ code: 'CLIENT_DISCONNECTED', kind: 'temporary' })
    }
  })

  test('may have a key error of their own', async () => {
    const body =
      '{"error":"text"}\n{"error":{"code":"x"}}\n{"error":{"code":"A","message":"m","next":"n"},"more":1}\n'
    const url = await answering(
      `HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    const lines = await createClient<TableOf<typeof table>>({ url }).call('number.count', { to: 2 })
    expect((await collect(lines)).length).toBe(3)
  })
})

describe('bytes', () => {
  test.each(['text/plain', 'application/json', 'application/x-ndjson', 'application/octet-stream'])(
    'arrive as %s',
    async (mediaType) => {
      const { client } = await serve(table)
      const result = await client.call('bytes.read', { size: 2_500, mediaType })
      expect(result).toMatchObject({ mediaType, size: 2_500 })
      const bytes = Buffer.concat(await collect(result.body))
      expect([bytes.length, bytes[0], bytes[1_000], bytes[2_499]]).toEqual([2_500, 0, 1, 2])
    },
  )

  test('may be of unknown size, or none', async () => {
    const { client } = await serve(table)
    const unknown = await client.call('bytes.read', { size: 5, mediaType: 'text/plain', known: false })
    expect(unknown.size).toBeUndefined()
    expect(Buffer.concat(await collect(unknown.body)).length).toBe(5)
    const none = await client.call('bytes.read', { size: 0, mediaType: 'text/plain' })
    expect([none.size, await collect(none.body)]).toEqual([0, []])
  })

  test.each([true, false])('that are cut never look whole', async (known) => {
    const { client } = await serve(table)
    const { body } = await client.call('bytes.read', {
      size: 5_000,
      mediaType: 'text/plain',
      cut: true,
      known,
    })
    expect(await reasonOf(collect(body))).toMatchObject({ code: 'CLIENT_DISCONNECTED' })
  })
})

describe('an error', () => {
  test.each([
    ['conflict', 409],
    ['temporary', 503],
    ['integrity', 500],
    ['internal', 500],
    ['full', 507],
  ])('of the server keeps its kind %s', async (kind, status) => {
    const { client } = await serve(table)
    const error = await reasonOf(client.call('test.fail', { kind }))
    expect(isFault(error)).toBe(true)
    expect(error).toMatchObject({
      code: 'TEST_CODE',
      kind,
      status,
      message: 'What happened',
      next: 'Do this.',
      requestId: expect.any(String),
    })
  })

  test.each([
    [404, 'not-found'],
    [507, 'full'],
    [500, 'internal'],
    [418, 'internal'],
  ])('without a kind gets that of its status %i', async (status, kind) => {
    const body = '{"code":"A","message":"m","next":"n","kind":"new"}'
    const url = await answering(
      `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await expect(createClient({ url }).call('node.status', {})).rejects.toMatchObject({
      code: 'A',
      kind,
      status,
    })
  })

  test('is CLIENT_UNREACHABLE where nothing listens', async () => {
    const { app, client } = await serve(table)
    await app.close()
    const error = await reasonOf(client.call('number.add', { a: 1 }))
    expect(error).toMatchObject({
      code: 'CLIENT_UNREACHABLE',
      kind: 'temporary',
      message: expect.stringMatching(/127\.0\.0\.1/),
    })
  })

  test.each(['end', 'reset'] as const)('is CLIENT_DISCONNECTED when the answer is cut (%s)', async (end) => {
    for (const text of [
      '',
      'HTTP/1.1 200',
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    ]) {
      const client = createClient<TableOf<typeof table>>({ url: await answering(text, end) })
      await expect(client.call('number.add', { a: 1 })).rejects.toMatchObject({
        code: 'CLIENT_DISCONNECTED',
        kind: 'temporary',
      })
    }
  })

  test.each([
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n{',
    'HTTP/1.1 502 Bad\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<h1>',
    'HTTP/1.1 500 Bad\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
  ])('is CLIENT_BAD_ANSWER for %j', async (text) => {
    const client = createClient<TableOf<typeof table>>({ url: await answering(text) })
    await expect(client.call('number.add', { a: 1 })).rejects.toMatchObject({
      code: 'CLIENT_BAD_ANSWER',
      kind: 'internal',
    })
  })

  test('is made of a redirect, so that the token stays here', async () => {
    const url = await answering(
      'HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n',
    )
    const client = createClient<TableOf<typeof table>>({ url, token: 'secret' })
    await expect(client.call('number.add', { a: 1 })).rejects.toBeInstanceOf(ClientError)
  })
})

describe('a signal', () => {
  test('passes its reason through, before, during and after the answer has begun', async () => {
    const { app, client } = await serve(table)
    const reason = new Error('enough')
    expect(await reasonOf(client.call('test.wait', {}, { signal: AbortSignal.abort(reason) }))).toBe(reason)
    const during = new AbortController()
    app.server.once('request', () => during.abort(reason))
    const waitLeft = once(events, 'left')
    expect(await reasonOf(client.call('test.wait', {}, { signal: during.signal }))).toBe(reason)
    expect(await waitLeft).toEqual(['wait'])
    const countLeft = once(events, 'left')
    for (const name of ['number.count', 'bytes.read'] as const) {
      const later = new AbortController()
      const options = { signal: later.signal }
      const values =
        name === 'number.count'
          ? await client.call(name, { to: 1e9 }, options)
          : (await client.call(name, { size: 1e12, mediaType: 'text/plain' }, options)).body
      const iterator = (values as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      await iterator.next()
      later.abort(reason)
      expect(
        await reasonOf(collect({ [Symbol.asyncIterator]: () => iterator } as AsyncIterable<unknown>)),
      ).toBe(reason)
    }
    expect(await countLeft).toEqual(['count'])
  })
})
