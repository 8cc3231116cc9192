import { once } from 'node:events'
import { operation } from '@ipfs-kit/operations'
import type { AnyOperation } from '@ipfs-kit/operations'
import type { ErrorRecord } from '@ipfs-kit/operations/http'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connect, head, serve } from './http-server.ts'
import { conflict, lineOutput, lines, listen } from './http-operations.ts'

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
        scope: 'content:write',
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
  // On a busy machine the time may be over after the first line.
  for (let maxIdleMs = 1_000; made <= 65_536; maxIdleMs *= 2) {
    made = 0
    const { app, port } = await serve([loose], { limits: { maxIdleMs } })
    const connected = once(app.server, 'connection')
    const connection = connect(port, head('/test/lines', { 'content-length': 0 }))
    connection.socket.pause()
    const [socket] = await connected
    await once(socket, 'close')
  }
  // What the system keeps for a connection, and not a thousand lines more.
  expect(made).toBeLessThan(30_000_000)
})
