import { createHash, randomBytes } from 'node:crypto'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { UploadState } from '@ipfs-kit/storage-s3'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { startFaultProxy, type FaultProxy } from '../../../tooling/services/fault-proxy.ts'
import { collect, inChunks, sha256Of } from './bytes.ts'
import { openPlace, type Place } from './rgw.ts'

const mebi = 1024 * 1024
const partBytes = 5 * mebi
const bytes = randomBytes(4 * partBytes + 12_345)
let place: Place
let proxy: FaultProxy

beforeAll(async () => {
  place = await openPlace()
  proxy = await startFaultProxy(place.rgw.endpoint)
})
beforeEach(() => proxy.reset())
afterAll(async () => {
  await proxy.stop()
  await place[Symbol.asyncDispose]()
})

const open = (more = {}) => place.open({ endpoint: proxy.endpoint, partBytes, ...more })
const isPart = ({ method, url }: { method: string; url: string }): boolean =>
  method === 'PUT' && url.includes('partNumber=')
const isComplete = ({ method, url }: { method: string; url: string }): boolean =>
  method === 'POST' && url.includes('uploadId=')
const partsSent = (): string[] =>
  proxy.requests.filter(isPart).map(({ url }) => /partNumber=(\d+)/.exec(url)![1]!)

async function uploads(): Promise<number> {
  return ((await place.client.send(new ListMultipartUploadsCommand({ Bucket: place.bucket }))).Uploads ?? [])
    .length
}

test('a large body goes in parts, several at once, and comes back in ranges, in order and whole', async () => {
  await using backend = open()
  const answer = await backend.put('large', inChunks(bytes, 777_777), {
    sha256: sha256Of(bytes),
    cid: 'bafyexample',
  })
  expect(partsSent().toSorted()).toEqual(['1', '2', '3', '4', '5'])
  expect(answer).toMatchObject({ size: bytes.byteLength, sha256: sha256Of(bytes), cid: 'bafyexample' })
  expect(await backend.stat('large')).toEqual(answer)
  const found = (await backend.get('large'))!
  expect(sha256Of(await collect(found.body))).toBe(sha256Of(bytes))
  expect(proxy.requests.filter(({ headers }) => headers['range'] !== undefined).length).toBe(5)
  const range = (await backend.get('large', { offset: partBytes - 3, length: partBytes + 6 }))!
  expect((await collect(range.body)).equals(bytes.subarray(partBytes - 3, 2 * partBytes + 3))).toBe(true)
  expect(backend.stats()).toEqual({ puts: 0, readers: 0, leftUploads: 0 })
})

test('a body in parts has no digest noted that nobody gave', async () => {
  await using backend = open()
  const answer = await backend.put('no-digest', bytes)
  expect(answer.sha256).toBeUndefined()
  expect(await backend.stat('no-digest')).toEqual(answer)
})

test('other tools see the digest and the CID in the metadata', async () => {
  await using backend = open()
  await backend.put('small', Buffer.from('hello'), { cid: 'bafyexample' })
  const { Metadata } = await place.client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: 'small' }))
  expect(Metadata).toEqual({
    'ipfs-kit-sha256': sha256Of(Buffer.from('hello')),
    'ipfs-kit-cid': 'bafyexample',
  })
})

test('a body that has another SHA-256 than was given is refused, and nothing of it is left', async () => {
  await using backend = open()
  const sha256 = sha256Of(Buffer.from('other'))
  for (const body of [Buffer.from('hello'), bytes]) {
    await expect(backend.put('refused', body, { sha256 })).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    expect(await backend.stat('refused')).toBeUndefined()
  }
  await vi.waitFor(async () => expect(await uploads()).toBe(0), { timeout: 10_000 })
})

test('a part that fails for good ends the put, and the upload is given up', async () => {
  await using backend = open({ attempts: 1 })
  proxy.fail({ kind: 'cut-request', afterBytes: 1000 }, { when: ({ url }) => url.includes('partNumber=2') })
  await expect(backend.put('failing', bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  expect(await backend.stat('failing')).toBeUndefined()
  await vi.waitFor(async () => expect(await uploads()).toBe(0), { timeout: 10_000 })
})

test('an upload that cannot be given up is counted, and found by a sweep', async () => {
  await using backend = open({ attempts: 1 })
  proxy.fail({ kind: 'cut-request', afterBytes: 1000 }, { when: ({ url }) => url.includes('partNumber=2') })
  proxy.fail({ kind: 'answer', status: 403 }, { when: ({ method }) => method === 'DELETE' })
  await expect(backend.put('left', bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  await vi.waitFor(() => expect(backend.stats().leftUploads).toBe(1), { timeout: 10_000 })
  expect(await uploads()).toBe(1)
  expect(await backend.sweep({ olderThanMs: 0 })).toEqual({ aborted: 1, left: 0 })
})

test('a body of a size that needs more than 10,000 parts is cut into larger ones', async () => {
  await using backend = open()
  const states: UploadState[] = []
  const put = backend.put('huge', inChunks(bytes, mebi), {
    size: 100 * 1024 * mebi,
    onState: (state) => void states.push(state),
  })
  await expect(put).rejects.toMatchObject({ code: 'STORAGE_SIZE_MISMATCH' })
  expect(states[0]).toMatchObject({ partBytes: 11 * mebi, grows: false })
  await backend.sweep({ olderThanMs: 0 })
})

test('an upload is gone on with from its state: only parts that the service lacks are sent', async () => {
  let state: UploadState | undefined
  const onState = (now: UploadState): void => {
    state = JSON.parse(JSON.stringify(now)) as UploadState
  }
  {
    await using backend = open({ attempts: 1, concurrency: 1 })
    proxy.fail({ kind: 'cut-request', afterBytes: 1000 }, { when: ({ url }) => url.includes('partNumber=4') })
    await expect(backend.put('resumed', inChunks(bytes, mebi), { onState })).rejects.toThrow('UploadPart')
  }
  expect(state?.parts.map(({ number }) => number)).toEqual([1, 2, 3])
  expect(state?.parts[0]).toMatchObject({ size: partBytes, sha256: sha256Of(bytes.subarray(0, partBytes)) })
  proxy.reset()
  await using backend = open()
  await backend.put('resumed', inChunks(bytes, mebi), { resume: state!, onState })
  expect(partsSent().toSorted()).toEqual(['4', '5'])
  expect(sha256Of(await collect((await backend.get('resumed'))!.body))).toBe(sha256Of(bytes))
})

test('a part whose bytes have changed meanwhile is sent again', async () => {
  let state: UploadState | undefined
  const onState = (now: UploadState): void => {
    state = now
  }
  {
    await using backend = open({ attempts: 1, concurrency: 1 })
    proxy.fail({ kind: 'cut-request', afterBytes: 1000 }, { when: ({ url }) => url.includes('partNumber=4') })
    await expect(backend.put('changed', bytes, { onState })).rejects.toThrow('UploadPart')
  }
  proxy.reset()
  const other = Buffer.from(bytes)
  other[partBytes + 5]! ^= 1
  await using backend = open()
  await backend.put('changed', other, { resume: state!, onState })
  expect(partsSent().toSorted()).toEqual(['2', '4', '5'])
  expect(sha256Of(await collect((await backend.get('changed'))!.body))).toBe(sha256Of(other))
})

test('a state whose upload the service does not know any more begins a new one', async () => {
  await using backend = open()
  const states: UploadState[] = []
  await backend.put('anew', bytes, { onState: (state) => void states.push(state) })
  proxy.reset()
  const resume = states.at(-1)!
  await backend.put('anew', bytes, { resume, onState: (state) => void states.push(state) })
  expect(partsSent().length).toBe(5)
  expect(states.at(-1)!.uploadId).not.toBe(resume.uploadId)
  await expect(backend.put('another', bytes, { resume })).rejects.toThrow(TypeError)
})

test('an upload that was completed although its answer was lost is known again', async () => {
  await using backend = open()
  proxy.fail({ kind: 'lose-answer' }, { when: isComplete })
  // Ceph remembers that it has completed it; others do not.
  const body = '<Error><Code>NoSuchUpload</Code></Error>'
  proxy.fail({ kind: 'answer', status: 404, body }, { when: isComplete })
  const answer = await backend.put('lost-answer', bytes)
  expect(await backend.stat('lost-answer')).toEqual(answer)
  expect(proxy.requests.filter(isComplete).length).toBe(2)
})

test('an upload that is gone without having been completed is an error', async () => {
  await using backend = open()
  await backend.put('gone', Buffer.from('former'))
  proxy.fail({ kind: 'cut-request', afterBytes: 0 }, { when: isComplete })
  const body = '<Error><Code>NoSuchUpload</Code></Error>'
  proxy.fail({ kind: 'answer', status: 404, body }, { when: isComplete })
  await expect(backend.put('gone', bytes)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  expect((await backend.stat('gone'))?.size).toBe(6)
})

test('a put with a condition whose answer was lost is known again by its digest', async () => {
  await using backend = open()
  const isPut = ({ method }: { method: string }): boolean => method === 'PUT'
  proxy.fail({ kind: 'lose-answer' }, { when: isPut })
  const { version } = await backend.put('lost-put', Buffer.from('hello'), { ifAbsent: true })
  expect(proxy.requests.filter(isPut).length).toBe(2)
  await expect(backend.put('lost-put', Buffer.from('hello'), { ifAbsent: true })).rejects.toMatchObject({
    code: 'STORAGE_EXISTS',
  })
  proxy.fail({ kind: 'lose-answer' }, { when: isPut })
  await backend.put('lost-put', Buffer.from('hello again'), { ifVersion: version! })
  expect(String(await collect((await backend.get('lost-put'))!.body))).toBe('hello again')
})

test('a condition on a body in parts, which this service does not keep, is refused before anything is sent', async () => {
  await using backend = open()
  await expect(backend.put('condition', bytes, { ifAbsent: true })).rejects.toMatchObject({
    code: 'STORAGE_NOT_SUPPORTED',
  })
  expect(await backend.stat('condition')).toBeUndefined()
  expect(await uploads()).toBe(0)
})

test('a sweep gives up old uploads and leaves young ones', async () => {
  await using backend = open({ attempts: 1 })
  proxy.fail({ kind: 'cut-request', afterBytes: 1000 }, { when: ({ url }) => url.includes('partNumber=2') })
  await expect(backend.put('left/over', bytes, { onState: () => undefined })).rejects.toThrow('UploadPart')
  expect(await uploads()).toBe(1)
  expect(await backend.sweep({ olderThanMs: 3_600_000 })).toEqual({ aborted: 0, left: 1 })
  expect(await backend.sweep({ olderThanMs: 0, prefix: 'elsewhere' })).toEqual({ aborted: 0, left: 0 })
  expect(await backend.sweep({ olderThanMs: 0 })).toEqual({ aborted: 1, left: 0 })
  expect(await uploads()).toBe(0)
})

test('an object that is replaced while it is read in ranges is not mixed with the new one', async () => {
  await using backend = open({ concurrency: 1 })
  await backend.put('replaced', bytes)
  const { body } = (await backend.get('replaced'))!
  const reading = (async () => {
    let count = 0
    for await (const chunk of body) {
      if (count === 0) await backend.put('replaced', randomBytes(bytes.byteLength))
      count += chunk.byteLength
    }
  })()
  await expect(reading).rejects.toMatchObject({ code: 'STORAGE_CHANGED' })
})

test('what somebody else changed under a noted digest is found when it is read whole, before its last chunk', async () => {
  await using backend = open()
  const Metadata = { 'ipfs-kit-sha256': sha256Of(bytes) }
  const wrong = Buffer.from(bytes)
  wrong[17]! ^= 1
  await place.client.send(
    new PutObjectCommand({ Bucket: place.bucket, Key: 'rotten', Body: wrong, Metadata }),
  )
  const { body } = (await backend.get('rotten'))!
  let count = 0
  const reading = (async () => {
    for await (const chunk of body) count += chunk.byteLength
  })()
  await expect(reading).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  expect(count).toBeLessThan(bytes.byteLength)
  const stored = await place.client.send(new GetObjectCommand({ Bucket: place.bucket, Key: 'rotten' }))
  expect(
    createHash('sha256')
      .update(await stored.Body!.transformToByteArray())
      .digest('hex'),
  ).toBe(sha256Of(wrong))
})
