import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { moveOnAfter, tree, type TreeNode } from '@ipfs-kit/concurrency'
import { operation } from '@ipfs-kit/operations'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connect, head, serve } from './http-server.ts'

const octets = { 'content-type': 'application/octet-stream' }

/** Takes bytes, or only the first piece of them. */
const take = operation<object>()({
  name: 'test.take',
  summary: 'Take bytes.',
  parts: [],
  input: z.object({ only: z.enum(['first', 'none']).optional(), label: z.string().default('') }),
  output: z.object({ bytes: z.number(), sha256: z.string(), label: z.string() }),
  body: 'bytes',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  doors: ['cli'],
  async run(_parts, { only, label }, _context, body) {
    const hash = createHash('sha256')
    let bytes = 0
    if (only !== 'none') {
      for await (const piece of body) {
        bytes += piece.length
        hash.update(piece)
        if (only === 'first') break
      }
    }
    return { bytes, sha256: hash.digest('hex'), label }
  },
})
const small = { ...take, name: 'test.small', maxBodyBytes: 1_000 } as const

describe('a body of bytes', () => {
  test.each([
    'application/octet-stream',
    'application/vnd.ipld.car; version=1',
    'application/vnd.ipld.raw',
    'image/png',
  ])('arrives as %s, with its input in the query', async (type) => {
    const { url } = await serve([take])
    const bytes = crypto.getRandomValues(new Uint8Array(50_000))
    const response = await fetch(`${url}/test/take?label=x`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: bytes,
    })
    expect(await response.json()).toEqual({
      bytes: 50_000,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      label: 'x',
    })
  })

  test('may be empty, and larger than what is read ahead', async () => {
    const { url } = await serve([take])
    for (const size of [0, 1, 20_000_000]) {
      const bytes = Buffer.alloc(size, 'ab')
      const response = await fetch(`${url}/test/take`, { method: 'POST', headers: octets, body: bytes })
      expect(await response.json()).toMatchObject({
        bytes: size,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      })
    }
  })

  test.each([
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
  ])('is refused as %j', async (type) => {
    const { url } = await serve([take])
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type }
    const response = await fetch(`${url}/test/take`, { method: 'POST', headers, body: new Blob(['{}']) })
    expect(response.status).toBe(415)
    expect(await response.json()).toMatchObject({
      code: 'OPERATION_MEDIA_TYPE',
      message: expect.stringMatching(/application\/octet-stream/),
    })
  })

  test('is not needed to refuse its query', async () => {
    const { url } = await serve([take])
    const response = await fetch(`${url}/test/take?typo=1`, { method: 'POST', headers: octets, body: 'x' })
    expect(await response.json()).toMatchObject({ code: 'OPERATION_INVALID_INPUT' })
  })
})

describe('the limit of a body', () => {
  test('holds for a declared length, before a byte is read', async () => {
    const { port } = await serve([small])
    const connection = connect(port, head('/test/small', { ...octets, 'content-length': 1_001 }))
    const answer = await connection.until('OPERATION_BODY_TOO_LARGE')
    expect(answer).toMatch(/^HTTP\/1.1 413[^]*connection: close/)
  })

  test('allows exactly as much', async () => {
    const { url } = await serve([small])
    const response = await fetch(`${url}/test/small`, {
      method: 'POST',
      headers: octets,
      body: Buffer.alloc(1_000),
    })
    expect(await response.json()).toMatchObject({ bytes: 1_000 })
  })

  test('is counted without a declared length, and answers a client that is still sending', async () => {
    const { port } = await serve([small])
    const connection = connect(port, head('/test/small', { ...octets, 'transfer-encoding': 'chunked' }))
    const piece = `3e8\r\n${'x'.repeat(1_000)}\r\n`
    let sent = 0
    const send = (): void => {
      while (!connection.socket.destroyed) {
        sent += 1_000
        if (!connection.socket.write(piece)) return void connection.socket.once('drain', send)
      }
    }
    send()
    const answer = await connection.until('OPERATION_BODY_TOO_LARGE')
    expect(answer).toMatch(/^HTTP\/1.1 413[^]*connection: close/)
    // The client never stops, so it is the server that closes.
    await connection.all
    expect(sent).toBeLessThan(100_000_000)
  })

  test('is the one of the adapter when the entry names none', async () => {
    const { url } = await serve([take], { limits: { maxBodyBytes: 10 } })
    const response = await fetch(`${url}/test/take`, {
      method: 'POST',
      headers: octets,
      body: 'x'.repeat(11),
    })
    expect(response.status).toBe(413)
  })

  test('is the answer also when the operation hides it', async () => {
    const hiding = {
      ...take,
      name: 'test.hiding',
      maxBodyBytes: 10,
      run: async (parts: object, input: never, context: never, body: AsyncIterable<Uint8Array>) => {
        try {
          return await take.run(parts, input, context, body)
        } catch {
          return { bytes: 0, sha256: '', label: '' }
        }
      },
    } as const
    const { port } = await serve([hiding])
    const connection = connect(
      port,
      head('/test/hiding', { ...octets, 'transfer-encoding': 'chunked' }),
      'b\r\n01234567890\r\n0\r\n\r\n',
    )
    expect(await connection.until('OPERATION_BODY_TOO_LARGE')).toMatch(/^HTTP\/1.1 413/)
  })
})

describe('a body that is left early', () => {
  test.each(['first', 'none'])('costs the connection, not a reading of the rest (%s)', async (only) => {
    const { port } = await serve([take])
    const length = 10_000_000_000
    const connection = connect(
      port,
      head(`/test/take?only=${only}`, { ...octets, 'content-length': length }),
      'x'.repeat(1_000),
    )
    const answer = await connection.until('sha256')
    expect(answer).toMatch(/^HTTP\/1.1 200[^]*connection: close/)
    await connection.all
  })

  test('keeps the connection when it has arrived anyway', async () => {
    const { port } = await serve([take])
    const request = `${head('/test/take?only=none', { ...octets, 'content-length': 5 })}hello`
    const connection = connect(port, request)
    await connection.until('sha256')
    connection.socket.write(request.replace('only=none', 'label=second'))
    expect(await connection.until('second')).not.toMatch(/connection: close/)
  })
})

test('a body that stops is seen in the tree of tasks', async () => {
  const waits = ({ waits: own, inner }: TreeNode): string[] => [
    ...own.map(({ what }) => what),
    ...inner.flatMap(waits),
  ]
  const { port } = await serve([take])
  connect(port, head('/test/take', { ...octets, 'content-length': 100 }), 'x')
  await expect.poll(() => waits(tree()), { interval: 1 }).toContain('body of the request')
})

test('a deadline around a body that stops is served', async () => {
  const inTime = {
    ...take,
    run: async (parts: object, input: never, context: never, body: AsyncIterable<Uint8Array>) => {
      const late = { bytes: -1, sha256: '', label: 'late' }
      return (await moveOnAfter(50, () => take.run(parts, input, context, body))) ?? late
    },
  } as const
  const { port } = await serve([inTime])
  const connection = connect(port, head('/test/take', { ...octets, 'content-length': 100 }), 'x')
  expect(await connection.until('late')).toMatch(/^HTTP\/1.1/)
})

describe('a silent client', () => {
  test('is left in the middle of its body', async () => {
    const { port } = await serve([take], { limits: { maxIdleMs: 50 } })
    const connection = connect(port, head('/test/take', { ...octets, 'content-length': 100 }), 'x')
    const answer = await connection.until('OPERATION_CANCELLED')
    expect(answer).toMatch(/^HTTP\/1.1 499[^]*silent for 50 ms/)
    await connection.all
  })

  test('is not one that waits for a slow operation', async () => {
    let isTaken = false
    // On a busy machine the time may be over before the server has taken the byte.
    for (let maxIdleMs = 20; !isTaken; maxIdleMs *= 2) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const slow = {
        ...take,
        name: 'test.slow',
        run: async (parts: object, input: never, context: never, body: AsyncIterable<Uint8Array>) => {
          const result = await take.run(parts, input, context, body)
          isTaken = true
          await promise
          return result
        },
      } as const
      const { app, port } = await serve([slow], { limits: { maxIdleMs } })
      const connected = once(app.server, 'connection')
      const connection = connect(port, `${head('/test/slow', { ...octets, 'content-length': 1 })}x`)
      const [socket] = await connected
      await once(socket, 'timeout')
      await once(socket, 'timeout')
      resolve()
      if (isTaken) expect(await connection.until('sha256')).toMatch(/^HTTP\/1.1 200/)
    }
  })
})
