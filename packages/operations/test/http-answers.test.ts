import diagnosticsChannel from 'node:diagnostics_channel'
import { once } from 'node:events'
import { operation, OperationError } from '@ipfs-kit/operations'
import type { AnyOperation, BytesResult, CallRecord } from '@ipfs-kit/operations'
import type { ErrorRecord } from '@ipfs-kit/operations/http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { connect, head, serve } from './http-server.ts'

const lineOutput = z.object({ n: z.number() })

function lines(
  run: (signal: AbortSignal) => AsyncIterable<unknown>,
  body: 'none' | 'bytes' = 'none',
): AnyOperation {
  return operation<object>()({
    name: 'test.lines',
    summary: 'Give lines.',
    parts: [],
    input: z.object({}),
    output: lineOutput,
    body,
    returns: 'lines',
    effect: 'read',
    scope: 'read',
    doors: ['cli'],
    run: (_parts, _input, { signal }, bytes) => {
      if (bytes === undefined) return run(signal) as AsyncIterable<z.output<typeof lineOutput>>
      return uploadThenLines(bytes as AsyncIterable<Uint8Array>, run(signal)) as AsyncIterable<
        z.output<typeof lineOutput>
      >
    },
  })
}

/** A line before the body, a line after each piece, and then the others. */
async function* uploadThenLines(body: AsyncIterable<Uint8Array>, rest: AsyncIterable<unknown>) {
  yield { n: -1 }
  for await (const piece of body) yield { n: piece.length }
  yield* rest
}

function bytes(run: (signal: AbortSignal) => Promise<BytesResult>): AnyOperation {
  return operation<object>()({
    name: 'test.bytes',
    summary: 'Give bytes.',
    parts: [],
    input: z.object({}),
    output: z.never(),
    body: 'none',
    returns: 'bytes',
    effect: 'read',
    scope: 'read',
    doors: ['cli'],
    run: (_parts, _input, { signal }) => run(signal),
  })
}

function value(run: () => Promise<unknown>, output: z.ZodType = z.any()): AnyOperation {
  return operation<object>()({
    name: 'test.value',
    summary: 'Give a value.',
    parts: [],
    input: z.object({}),
    output,
    body: 'none',
    returns: 'value',
    effect: 'read',
    scope: 'read',
    run,
  })
}

const secret = new Error('ENOENT: no such file /home/someone/secret')
const conflict = Object.assign(new Error('It is pinned'), {
  code: 'TEST_PINNED',
  kind: 'conflict',
  next: 'Unpin it.',
})

function listen<T>(name: string): T[] {
  const messages: T[] = []
  const subscriber = (message: unknown): void => void messages.push(message as T)
  diagnosticsChannel.subscribe(name, subscriber)
  onTestFinished(() => void diagnosticsChannel.unsubscribe(name, subscriber))
  return messages
}

describe('lines', () => {
  test('are JSON lines', async () => {
    const many = lines(async function* () {
      for (let n = 0; n < 20_000; n += 1) yield { n }
    })
    const { url } = await serve([many])
    const response = await fetch(`${url}/test/lines`)
    expect(response.headers.get('content-type')).toMatch(/^application\/x-ndjson/)
    const received = (await response.text()).trimEnd().split('\n')
    expect(received).toEqual(Array.from({ length: 20_000 }, (_, n) => `{"n":${n}}`))
  })

  test('that were held back for more than the reader buffers are followed by the others', async () => {
    const { url } = await serve([
      operation<object>()({
        name: 'test.lines',
        summary: 'Give lines while the body arrives and after it.',
        parts: [],
        input: z.object({}),
        output: lineOutput,
        body: 'bytes',
        returns: 'lines',
        effect: 'write',
        scope: 'write',
        doors: ['cli'],
        async *run(_parts, _input, _context, body) {
          for await (const _ of body) for (let n = 0; n < 10_000; n += 1) yield { n }
          for (let n = 0; n < 10_000; n += 1) yield { n }
        },
      }),
    ])
    const type = { 'content-type': 'application/octet-stream' }
    const response = await fetch(`${url}/test/lines`, { method: 'POST', headers: type, body: 'x' })
    expect((await response.text()).trimEnd().split('\n')).toHaveLength(20_000)
  })

  test('arrive while the operation still runs', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = lines(async function* () {
      yield { n: 1 }
      await promise
      yield { n: 2 }
    })
    const { port } = await serve([waiting])
    const connection = connect(port, head('/test/lines', { 'content-length': 0, connection: 'close' }))
    expect(await connection.until('{"n":1}')).not.toContain('{"n":2}')
    resolve()
    expect(await connection.all).toContain('{"n":2}')
  })

  test('may be none', async () => {
    const { url } = await serve([lines(async function* () {})])
    const response = await fetch(`${url}/test/lines`)
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  test('that fail before the first one have a status', async () => {
    const failing = lines(async function* () {
      yield* []
      throw conflict
    })
    const { url } = await serve([failing])
    const response = await fetch(`${url}/test/lines`)
    expect([response.status, await response.json()]).toMatchObject([
      409,
      { code: 'TEST_PINNED', kind: 'conflict' },
    ])
    expect((await fetch(`${url}/test/lines`, { method: 'HEAD' })).status).toBe(409)
  })

  test('that fail later end with the error', async () => {
    const failing = lines(async function* () {
      yield { n: 1 }
      throw conflict
    })
    const { url } = await serve([failing])
    const response = await fetch(`${url}/test/lines`)
    expect(response.status).toBe(200)
    const [first, last, ...rest] = (await response.text()).split('\n')
    expect([first, rest]).toEqual(['{"n":1}', ['']])
    expect(JSON.parse(last!)).toEqual({
      error: {
        code: 'TEST_PINNED',
        kind: 'conflict',
        message: 'It is pinned',
        next: 'Unpin it.',
        retryable: false,
        requestId: response.headers.get('x-request-id'),
      },
    })
  })

  test('wait for the end of the upload, so that a failed one has its own status', async () => {
    const { port } = await serve([lines(async function* () {}, 'bytes')])
    const headers = { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' }
    const connection = connect(port, head('/test/lines', headers), '1\r\nx\r\n')
    const failing = connect(
      port,
      head('/test/lines', { ...headers, 'content-type': 'text/plain' }),
      '1\r\nx\r\n',
    )
    expect(await failing.until('OPERATION_MEDIA_TYPE')).toMatch(/^HTTP\/1.1 415/)
    connection.socket.write('2\r\nyy\r\n0\r\n\r\n')
    const answer = await connection.until('{"n":2}')
    expect(answer).toMatch(/^HTTP\/1.1 200[^]*\{"n":-1\}[^]*\{"n":1\}/)
    const large = connect(port, head('/test/lines', headers), `1\r\nx\r\n`, 'nonsense\r\n')
    expect(await large.all).not.toMatch(/200 OK/)
  })

  test('are left when the reader goes, and the operation sees it', async () => {
    const left = Promise.withResolvers<unknown>()
    const endless = lines(async function* (signal) {
      try {
        for (let n = 0; ; n += 1) {
          signal.throwIfAborted()
          yield { n }
        }
      } catch (error) {
        left.resolve(error)
        throw error
      } finally {
        left.resolve('left')
      }
    })
    const { port } = await serve([endless])
    const connection = connect(port, head('/test/lines', { 'content-length': 0 }))
    await connection.until('{"n":100}')
    connection.socket.destroy()
    await left.promise
  })

  test('that do not match their schema are defects', async () => {
    const errors = listen<ErrorRecord>('operations:error')
    const wrong = lines(async function* () {
      yield { n: 1 }
      yield { n: 2, extra: true }
    })
    const { url } = await serve([wrong])
    const response = await fetch(`${url}/test/lines`)
    expect(await response.text()).toMatch(/^\{"n":1\}\n\{"error":\{"code":"OPERATION_INTERNAL"/)
    expect(errors).toMatchObject([
      { name: 'test.lines', error: { message: expect.stringMatching(/schema/) } },
    ])
  })
})

describe('a value', () => {
  test.each([
    ['a wrong type', { a: 'x' }],
    ['a key too many', { a: 1, b: 2 }],
    ['a key too many inside', { a: 1, list: [{ c: 1, d: 2 }] }],
    ['undefined', undefined],
  ])('that does not match its schema (%s) is a defect', async (_title, output) => {
    const errors = listen<ErrorRecord>('operations:error')
    const schema = z.object({ a: z.number(), list: z.array(z.object({ c: z.number() })).optional() })
    const { url } = await serve([value(async () => output, schema)])
    const response = await fetch(`${url}/test/value`)
    expect([response.status, await response.json()]).toMatchObject([500, { code: 'OPERATION_INTERNAL' }])
    expect(errors).toMatchObject([{ requestId: response.headers.get('x-request-id'), name: 'test.value' }])
  })

  test('may be anything that JSON can say', async () => {
    for (const output of [null, 0, '', [], { a: undefined, b: [null] }]) {
      const { url } = await serve([value(async () => output)])
      expect(await (await fetch(`${url}/test/value`)).json()).toEqual(output)
    }
  })
})

describe('bytes', () => {
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('hello ')
    yield Buffer.from('world')
  }

  test('have their media type and size, and never act as a page', async () => {
    const { url } = await serve([bytes(async () => ({ mediaType: 'text/html', size: 11, body: body() }))])
    const response = await fetch(`${url}/test/bytes`)
    expect(response.headers.get('content-type')).toBe('text/html')
    expect(response.headers.get('content-length')).toBe('11')
    expect(response.headers.get('content-security-policy')).toMatch(/sandbox/)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await response.text()).toBe('hello world')
  })

  test('may be of unknown size, or none', async () => {
    const { url } = await serve([bytes(async () => ({ mediaType: 'text/plain', body: body() }))])
    expect(await (await fetch(`${url}/test/bytes`)).text()).toBe('hello world')
    const empty = await serve([
      bytes(async () => ({ mediaType: 'text/plain', size: 0, body: (async function* () {})() })),
    ])
    const response = await fetch(`${empty.url}/test/bytes`)
    expect([response.headers.get('content-length'), await response.text()]).toEqual(['0', ''])
  })

  test('are not read for HEAD, and the call has ended', async () => {
    const calls = listen<CallRecord>('operations:call')
    let read = false
    const aborted = Promise.withResolvers<void>()
    const unread = bytes(async (signal) => {
      signal.addEventListener('abort', () => aborted.resolve())
      const never = async function* (): AsyncGenerator<Uint8Array> {
        read = true
        yield new Uint8Array(5)
      }
      return { mediaType: 'image/png', size: 5, body: never() }
    })
    const { url } = await serve([unread])
    const response = await fetch(`${url}/test/bytes`, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '5'])
    await aborted.promise
    expect([read, calls.map(({ code }) => code)]).toEqual([false, ['OK']])
  })

  test('that fail before the first piece have a status', async () => {
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield* []
      throw conflict
    }
    const { url } = await serve([bytes(async () => ({ mediaType: 'text/plain', size: 5, body: failing() }))])
    const response = await fetch(`${url}/test/bytes`)
    expect([response.status, response.headers.get('content-type')]).toEqual([
      409,
      'application/json; charset=utf-8',
    ])
    expect(await response.json()).toMatchObject({ code: 'TEST_PINNED' })
  })

  test('that fail later end the connection in the middle', async () => {
    const errors = listen<ErrorRecord>('operations:error')
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('hello')
      throw secret
    }
    for (const size of [{ size: 11 }, {}]) {
      const { url } = await serve([
        bytes(async () => ({ mediaType: 'text/plain', ...size, body: failing() })),
      ])
      const response = await fetch(`${url}/test/bytes`)
      expect(response.status).toBe(200)
      await expect(response.text()).rejects.toThrow()
    }
    expect(errors.map(({ error }) => error)).toEqual([secret, secret])
  })

  test.each([4, 8, 20])('that are not as many as promised (%i) never look whole', async (size) => {
    const { url } = await serve([bytes(async () => ({ mediaType: 'text/plain', size, body: body() }))])
    const response = await fetch(`${url}/test/bytes`)
    if (size < 'hello '.length) expect(response.status).toBe(500)
    else await expect(response.text()).rejects.toThrow()
  })

  test('wait for a reader that does not take them', async () => {
    let made = 0
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        made += 65_536
        yield new Uint8Array(65_536)
      }
    }
    const { app, port } = await serve([bytes(async () => ({ mediaType: 'text/plain', body: endless() }))], {
      limits: { maxIdleMs: 200 },
    })
    const connected = once(app.server, 'connection')
    const connection = connect(port, head('/test/bytes', { 'content-length': 0 }))
    connection.socket.pause()
    const [socket] = await connected
    // The silence of a reader is bounded too.
    await once(socket, 'close')
    expect(made).toBeGreaterThan(65_536)
    expect(made).toBeLessThan(50_000_000)
  })
})

test('lines of any size are not made for a reader that does not take them', async () => {
  let made = 0
  const endless = async function* (): AsyncGenerator<unknown> {
    for (;;) {
      made += 65_536
      // A turn, so that what the connection still takes is taken.
      await new Promise(setImmediate)
      yield { n: 1, text: 'x'.repeat(65_536) }
    }
  }
  const loose = { ...lines(endless), output: z.looseObject({ n: z.number() }) } as AnyOperation
  const { app, port } = await serve([loose], { limits: { maxIdleMs: 1_000 } })
  const connected = once(app.server, 'connection')
  const connection = connect(port, head('/test/lines', { 'content-length': 0 }))
  connection.socket.pause()
  const [socket] = await connected
  await once(socket, 'close')
  expect(made).toBeGreaterThan(65_536)
  // What the system keeps for a connection, and not a thousand lines more.
  expect(made).toBeLessThan(30_000_000)
})

describe('an error', () => {
  test('without a name of ours shows nothing of its inside, and is published', async () => {
    const errors = listen<ErrorRecord>('operations:error')
    const { url } = await serve([value(async () => Promise.reject(secret))])
    const response = await fetch(`${url}/test/value`)
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(JSON.parse(text)).toMatchObject({ code: 'OPERATION_INTERNAL', retryable: false })
    expect(text).not.toMatch(/ENOENT|secret|stack/)
    expect(errors).toEqual([
      { requestId: response.headers.get('x-request-id'), name: 'test.value', error: secret },
    ])
  })

  test.each([
    ['temporary', 503, true],
    ['full', 507, false],
    ['range', 416, false],
    ['corrupt-input', 422, false],
    ['integrity', 500, false],
    ['forbidden', 403, false],
  ])('of the kind %s has the status %i', async (kind, status, retryable) => {
    const fault = Object.assign(new Error('What happened'), { code: 'TEST_CODE', kind, next: 'Do this.' })
    const { url } = await serve([value(async () => Promise.reject(fault))])
    const response = await fetch(`${url}/test/value`)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({
      code: 'TEST_CODE',
      kind,
      message: 'What happened',
      next: 'Do this.',
      retryable,
    })
  })

  test('of ours passes through', async () => {
    const { url } = await serve([
      value(async () => Promise.reject(new OperationError('OPERATION_CANCELLED', 'Enough'))),
    ])
    expect((await fetch(`${url}/test/value`)).status).toBe(499)
  })
})
