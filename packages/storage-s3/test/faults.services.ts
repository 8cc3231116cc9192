import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import type { StorageError } from '@ipfs-kit/storage'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startFaultProxy, type FaultProxy, type SeenRequest } from '../../../tooling/services/fault-proxy.ts'
import { busy, type Fault } from '../../../tooling/services/fault.ts'
import { collect, inChunks, sha256Of } from './bytes.ts'
import { openPlace, type Place } from './rgw.ts'

const mebi = 1024 * 1024
const partBytes = 5 * mebi
const bytes = randomBytes(2 * partBytes + 777)
let place: Place
let proxy: FaultProxy

beforeAll(async () => {
  place = await openPlace()
  proxy = await startFaultProxy(place.rgw.endpoint)
  await using backend = place.open({ partBytes })
  await backend.put('large', bytes, { sha256: sha256Of(bytes) })
  await backend.put('small', bytes.subarray(0, 5000))
})
beforeEach(() => proxy.reset())
afterAll(async () => {
  await proxy.stop()
  await place[Symbol.asyncDispose]()
})

const open = (more = {}) => place.open({ endpoint: proxy.endpoint, partBytes, ...more })
const method = (name: string) => (request: SeenRequest) => request.method === name
const isGet = method('GET')
const isPut = method('PUT')

async function read(key: string, more = {}): Promise<Buffer> {
  await using backend = open(more)
  return await collect((await backend.get(key))!.body)
}

async function failureOf(call: Promise<unknown>): Promise<StorageError> {
  return await call.then(
    () => expect.unreachable('the call succeeded'),
    (error: unknown) => error as StorageError,
  )
}

describe('a read that is disturbed once is whole all the same', () => {
  test.each([0, 1, 4999])('cut at byte %i', async (afterBytes) => {
    for (const kind of ['cut-response', 'truncate'] as const) {
      proxy.fail({ kind, afterBytes }, { when: isGet })
      expect((await read('small')).equals(bytes.subarray(0, 5000))).toBe(true)
    }
    expect(proxy.requests.filter(isGet).length).toBe(4)
  })

  test.each<[string, Fault]>([
    ['cut in a range', { kind: 'cut-response', afterBytes: 3 * mebi }],
    ['stalled', { kind: 'stall', afterBytes: 1000 }],
    ['endless', { kind: 'endless' }],
    ['slow', { kind: 'slow', pieceBytes: 4 * mebi, pauseMs: 1 }],
    ['answered with 503', busy()],
    ['answered with 500', busy({ status: 500, code: 'InternalError' })],
    ['answered with 429', busy({ status: 429, code: 'TooManyRequests' })],
  ])('%s', async (_, fault) => {
    proxy.fail(fault, { when: ({ headers }) => headers['range']?.includes(`bytes=${partBytes}-`) === true })
    expect(sha256Of(await read('large', { timeoutMs: 2000 }))).toBe(sha256Of(bytes))
  })
})

test.each<[string, Fault, string]>([
  ['cut', { kind: 'cut-response', afterBytes: 100 }, 'STORAGE_UNAVAILABLE'],
  ['truncated', { kind: 'truncate', afterBytes: 100 }, 'STORAGE_UNAVAILABLE'],
  ['stalled', { kind: 'stall', afterBytes: 100 }, 'STORAGE_UNAVAILABLE'],
  ['endless', { kind: 'endless' }, 'STORAGE_CORRUPT'],
  ['changed on its way', { kind: 'flip', at: 100 }, 'STORAGE_CORRUPT'],
  ['refused as too much', busy(), 'STORAGE_THROTTLED'],
  ['failing inside of the service', busy({ status: 500, code: 'InternalError' }), 'STORAGE_UNAVAILABLE'],
])('a read that is %s each time is a coded error', async (_, fault, code) => {
  proxy.fail(fault, { when: isGet, times: Infinity })
  expect(await failureOf(read('small', { attempts: 2, timeoutMs: 500 }))).toMatchObject({ code })
})

test('a service that asks for a wait is waited for, and a long one is told of at once', async () => {
  proxy.fail(busy({ retryAfterSeconds: 1 }), { when: isGet })
  const started = performance.now()
  await read('small')
  expect(performance.now() - started).toBeGreaterThan(990)
  proxy.reset()
  proxy.fail(busy({ retryAfterSeconds: 3600 }), { when: isGet, times: Infinity })
  const error = await failureOf(read('small'))
  expect(error).toMatchObject({ code: 'STORAGE_THROTTLED', retryAfterMs: 3_600_000 })
  expect(proxy.requests.length).toBe(1)
})

test.each([0, 1000, 4 * mebi])(
  'a put whose requests are cut at byte %i is there whole',
  async (afterBytes) => {
    await using backend = open()
    proxy.fail({ kind: 'cut-request', afterBytes }, { when: isPut, times: 2 })
    await backend.put('cut', inChunks(bytes, mebi))
    expect((await read('cut')).equals(bytes)).toBe(true)
  },
)

test('a put that fails for good is neither listed nor read', async () => {
  await using backend = open({ attempts: 2 })
  for (const [key, body] of Object.entries({ 'half-small': bytes.subarray(0, 5000), 'half-large': bytes })) {
    proxy.fail({ kind: 'cut-request', afterBytes: 100 }, { when: isPut, times: Infinity })
    expect(await failureOf(backend.put(key, body))).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    proxy.reset()
    expect(await backend.get(key)).toBeUndefined()
  }
  expect((await backend.list({ prefix: 'half' })).entries).toEqual([])
})

test('a put whose object cannot be looked at afterwards is a put all the same', async () => {
  const denied: Fault = { kind: 'answer', status: 403 }
  proxy.fail(denied, { when: method('HEAD') })
  await using backend = open()
  const answer = await backend.put('write-only', bytes.subarray(0, 10))
  const { modifiedMs, ...told } = (await backend.stat('write-only'))!
  expect(modifiedMs).toBeGreaterThan(0)
  expect(answer).toEqual({ ...told, modifiedMs: undefined })
})

test('a body that is changed on its way to the service is refused by it, and sent again', async () => {
  await using backend = open({ attempts: 2 })
  proxy.fail({ kind: 'flip-request', at: 100 }, { when: isPut })
  await backend.put('flipped', bytes.subarray(0, 5000))
  expect(proxy.requests.filter(isPut).length).toBe(2)
  expect((await read('flipped')).equals(bytes.subarray(0, 5000))).toBe(true)
})

describe('what the service refuses is told by code, and not tried again', () => {
  const secret = 'planted-secret-of-this-test'

  test.each<[string, object, string, string]>([
    [
      'a wrong secret',
      { credentials: { accessKeyId: 'ipfs-kit-test', secretAccessKey: secret } },
      'STORAGE_DENIED',
      'access key',
    ],
    [
      'an unknown key',
      { credentials: { accessKeyId: 'nobody', secretAccessKey: secret } },
      'STORAGE_DENIED',
      'access key',
    ],
    ['a bucket that is not there', { bucket: 'no-such-bucket' }, 'STORAGE_NO_CONTAINER', 'bucket'],
  ])('%s', async (_, options, code, remedy) => {
    await using backend = open(options)
    await failureOf(backend.get('small'))
    expect(proxy.requests.length).toBe(1)
    for (const call of [
      () => backend.get('small'),
      () => backend.stat('small'),
      () => backend.list(),
      () => backend.put('refused', bytes.subarray(0, 10)),
      () => backend.put('refused', bytes),
      () => backend.delete('small'),
      () => backend.sweep({ olderThanMs: 0 }),
      () => backend.probe(),
    ]) {
      const error = await failureOf(call())
      expect(error).toMatchObject({ code })
      expect(error.message).toContain(remedy)
      expect(inspect(error, { depth: 10 })).not.toContain(secret)
    }
  })

  test('a clock that differs is told of, and the clock of the SDK is not set right in silence', async () => {
    const body = '<Error><Code>RequestTimeTooSkewed</Code><Message>too far</Message></Error>'
    const headers = { date: new Date(Date.now() + 7_200_000).toUTCString() }
    proxy.fail({ kind: 'answer', status: 403, headers, body }, { when: isGet })
    await using backend = open()
    const error = await failureOf(backend.get('small'))
    expect(error).toMatchObject({ code: 'STORAGE_CLOCK_SKEW' })
    expect(error.message).toContain('Set the clock')
    // Signed by a clock that goes two hours ahead, this would be refused.
    expect((await backend.get('small'))?.size).toBe(5000)
  })

  test('an answer that repeats the secret does not bring it into the error', async () => {
    const body = `<Error><Code>ExpiredToken</Code><Message>${secret} and ${secret}-token</Message></Error>`
    proxy.fail({ kind: 'answer', status: 400, body }, { when: isGet })
    const credentials = { accessKeyId: 'a', secretAccessKey: secret, sessionToken: `${secret}-token` }
    const error = await failureOf(read('small', { credentials }))
    expect(error).toMatchObject({ code: 'STORAGE_DENIED' })
    expect(error.message).toContain('(not shown)')
    expect(inspect(error, { depth: 10 })).not.toContain(secret)
  })

  test.each([
    [401, 'Unauthorized', 'STORAGE_DENIED'],
    [501, 'NotImplemented', 'STORAGE_NOT_SUPPORTED'],
    [400, 'InvalidArgument', 'STORAGE_NOT_SUPPORTED'],
  ])('a CRC32 that the service refuses with %i is named', async (status, code, expected) => {
    const body = `<Error><Code>${code}</Code><Message>${status === 400 ? "Unsupported header 'x-amz-checksum-crc32'" : ''}</Message></Error>`
    proxy.fail({ kind: 'answer', status, body }, { when: isPut })
    await using backend = open({ checksums: 'crc32' })
    const error = await failureOf(backend.put('crc', bytes.subarray(0, 10)))
    expect(error).toMatchObject({ code: expected })
    expect(error.message).toContain('set checksums to signature')
  })

  test('an endpoint that is down, and one that speaks no TLS', async () => {
    const gone = await startFaultProxy(place.rgw.endpoint)
    await gone.stop()
    const down = await failureOf(read('small', { endpoint: gone.endpoint, attempts: 2 }))
    expect(down).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    const plain = await failureOf(read('small', { endpoint: proxy.endpoint.replace('http:', 'https:') }))
    expect(plain).toMatchObject({ code: 'STORAGE_FAILED' })
    expect(plain.message).toContain('TLS')
  })

  test('the error of the function that gives the credentials passes through', async () => {
    const reason = Object.assign(new Error('the safe is locked'), { code: 'ECONNREFUSED' })
    const credentials = (): Promise<never> => Promise.reject(reason)
    await expect(read('small', { credentials })).rejects.toBe(reason)
  })
})
