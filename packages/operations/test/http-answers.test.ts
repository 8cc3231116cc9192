import { once } from 'node:events'
import { OperationError } from '@ipfs-kit/operations'
import type { CallRecord } from '@ipfs-kit/operations'
import type { ErrorRecord } from '@ipfs-kit/operations/http'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connect, head, serve } from './http-server.ts'
import { bytes, conflict, listen, secret, value } from './http-operations.ts'

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
    // On a busy machine the time may be over after the first piece.
    for (let maxIdleMs = 200; made <= 65_536; maxIdleMs *= 2) {
      made = 0
      const { app, port } = await serve([bytes(async () => ({ mediaType: 'text/plain', body: endless() }))], {
        limits: { maxIdleMs },
      })
      const connected = once(app.server, 'connection')
      const connection = connect(port, head('/test/bytes', { 'content-length': 0 }))
      connection.socket.pause()
      const [socket] = await connected
      // The silence of a reader is bounded too.
      await once(socket, 'close')
    }
    expect(made).toBeLessThan(50_000_000)
  })
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
