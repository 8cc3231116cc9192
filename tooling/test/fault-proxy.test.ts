import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { busy } from '../services/fault.ts'
import { startFaultProxy, type FaultProxy } from '../services/fault-proxy.ts'
import { close, listen, loopback } from '../services/loopback.ts'

const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))
const taken: Buffer[] = []
const server = createServer((request, response) => {
  const answer = (bytes: Buffer): void => {
    taken.push(bytes)
    response.writeHead(200, { 'content-length': body.byteLength, 'x-host': request.headers.host }).end(body)
  }
  // A request that is cut is none that was taken.
  buffer(request).then(answer, () => undefined)
})
let proxy: FaultProxy

beforeAll(async () => {
  proxy = await startFaultProxy(`http://${loopback}:${await listen(server)}`)
})
beforeEach(() => {
  proxy.reset()
  taken.length = 0
})
afterAll(async () => {
  await proxy.stop()
  await close(server)
})

/** The bytes of an answer up to where it ends or breaks off. */
async function readUntilItBreaks(response: Response): Promise<{ bytes: Buffer; broken: boolean }> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk)
    return { bytes: Buffer.concat(chunks), broken: false }
  } catch {
    return { bytes: Buffer.concat(chunks), broken: true }
  }
}

test('without a rule, requests and answers pass unchanged, with the host that the client named', async () => {
  const response = await fetch(`${proxy.endpoint}/a?b=c`, { method: 'PUT', body: 'hello' })
  expect(response.headers.get('x-host')).toBe(new URL(proxy.endpoint).host)
  expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true)
  expect(taken.map(String)).toEqual(['hello'])
  expect(proxy.requests.map(({ method, url }) => ({ method, url }))).toEqual([
    { method: 'PUT', url: '/a?b=c' },
  ])
})

test('an answer of its own comes in the place of the server', async () => {
  proxy.fail(busy({ status: 503, retryAfterSeconds: 7 }))
  const response = await fetch(proxy.endpoint, { method: 'PUT', body })
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('7')
  expect(await response.text()).toContain('<Code>SlowDown</Code>')
  expect(taken).toEqual([])
})

test('a rule is for the requests it names, as often as it says', async () => {
  proxy.fail(busy(), { when: ({ method }) => method === 'PUT', times: 2 })
  const statuses: number[] = []
  for (const method of ['GET', 'PUT', 'PUT', 'PUT']) {
    const response = await fetch(proxy.endpoint, { method })
    await response.arrayBuffer()
    statuses.push(response.status)
  }
  expect(statuses).toEqual([200, 503, 503, 200])
})

test.each([0, 1, 65_536, 299_999])('a body is cut at byte %i', async (afterBytes) => {
  for (const kind of ['cut-response', 'truncate'] as const) {
    proxy.fail({ kind, afterBytes })
    const response = await fetch(proxy.endpoint)
    expect(response.headers.get('content-length')).toBe(`${body.byteLength}`)
    const { bytes, broken } = await readUntilItBreaks(response)
    expect(broken).toBe(true)
    // A reset may overtake bytes that have gone before it; an orderly end may not.
    if (kind === 'truncate') expect(bytes.byteLength).toBe(afterBytes)
    expect(bytes.equals(body.subarray(0, bytes.byteLength))).toBe(true)
    expect(bytes.byteLength).toBeLessThanOrEqual(afterBytes)
  }
})

test.each([0, 100_000])(
  'a request is cut at byte %i, and the server does not take it',
  async (afterBytes) => {
    proxy.fail({ kind: 'cut-request', afterBytes })
    await expect(fetch(proxy.endpoint, { method: 'PUT', body })).rejects.toThrow('fetch failed')
    expect(taken).toEqual([])
  },
)

test('an answer is lost after the server has done its work', async () => {
  proxy.fail({ kind: 'lose-answer' })
  await expect(fetch(proxy.endpoint, { method: 'PUT', body: 'hello' })).rejects.toThrow('fetch failed')
  expect(taken.map(String)).toEqual(['hello'])
})

test.each([0, 150_000, 299_999])('byte %i is another one, and no more than that', async (at) => {
  proxy.fail({ kind: 'flip', at })
  const bytes = Buffer.from(await (await fetch(proxy.endpoint)).arrayBuffer())
  expect(bytes.byteLength).toBe(body.byteLength)
  expect([...bytes.keys()].filter((index) => bytes[index] !== body[index])).toEqual([at])
})

test('a byte of a request is another one at the server', async () => {
  proxy.fail({ kind: 'flip-request', at: 4 })
  await (await fetch(proxy.endpoint, { method: 'PUT', body: 'hello' })).arrayBuffer()
  expect(taken).toEqual([Buffer.from([...Buffer.from('hell'), 'o'.charCodeAt(0) ^ 0xff])])
})

test('an endless body goes on past the end of the true one, without a length', async () => {
  proxy.fail({ kind: 'endless' })
  const response = await fetch(proxy.endpoint)
  expect(response.headers.get('content-length')).toBeNull()
  let count = 0
  for await (const chunk of response.body ?? []) {
    count += chunk.byteLength
    if (count > 10 * body.byteLength) break
  }
  expect(count).toBeGreaterThan(10 * body.byteLength)
})

test('a stalled body gives its first bytes and then nothing, until the client gives up', async () => {
  proxy.fail({ kind: 'stall', afterBytes: 1000 })
  const controller = new AbortController()
  const response = await fetch(proxy.endpoint, { signal: controller.signal })
  const reader = response.body!.getReader()
  expect((await reader.read()).value?.byteLength).toBe(1000)
  const next = reader.read()
  controller.abort(new Error('waited long enough'))
  await expect(next).rejects.toThrow('waited long enough')
})

test('a slow body comes in pieces, and whole', async () => {
  proxy.fail({ kind: 'slow', pieceBytes: 50_000, pauseMs: 1 })
  expect(Buffer.from(await (await fetch(proxy.endpoint)).arrayBuffer()).equals(body)).toBe(true)
})
