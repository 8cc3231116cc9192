import { randomBytes } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFaultProxy } from '../../../tooling/services/fault-proxy.ts'
import { collect, sha256Of } from './bytes.ts'
import { openPlace, type Place } from './rgw.ts'

const partBytes = 5 * 1024 * 1024
const bytes = randomBytes(partBytes + 1000)
let place: Place

beforeAll(async () => {
  place = await openPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

test('a probe says what this service does, and leaves nothing behind', async () => {
  await using backend = place.open()
  const { steps, abilities } = await backend.probe()
  expect(steps).toEqual(['write', 'read', 'list', 'delete'])
  expect(abilities).toEqual({
    crc32: true,
    ranges: true,
    conditionalPut: true,
    conditionalReplace: true,
    multipart: true,
    conditionalMultipart: false,
    versioning: false,
  })
  expect((await backend.list({ prefix: '.ipfs-kit-probe-' })).entries).toEqual([])
  expect(await backend.sweep({ olderThanMs: 0 })).toEqual({ aborted: 0, left: 0 })
})

test('the profile of Ceph says of conditions what the probe finds', async () => {
  await using backend = place.open()
  const { conditionalPut, conditionalReplace } = (await backend.probe()).abilities
  expect(backend.supports).toMatchObject({ conditionalPut, conditionalReplace })
})

describe('signed URLs', () => {
  test('GET and PUT do what they are for, for everybody, and nothing else', async () => {
    await using backend = place.open()
    const put = await backend.presign({ method: 'PUT', key: 'a key/ü?', expiresSeconds: 60 })
    expect((await fetch(put, { method: 'PUT', body: 'from a browser' })).status).toBe(200)
    const get = await backend.presign({ method: 'GET', key: 'a key/ü?' })
    expect(await (await fetch(get)).text()).toBe('from a browser')
    expect((await fetch(get, { method: 'DELETE' })).status).toBe(403)
    expect((await fetch(get.replace('%C3%BC', 'o'))).status).toBe(403)
    expect((await backend.stat('a key/ü?'))?.size).toBe(14)
  })

  test('a part is put into an upload that has begun', async () => {
    await using backend = place.open()
    const at = { Bucket: place.bucket, Key: 'in-parts' }
    const { UploadId } = await place.client.send(new CreateMultipartUploadCommand(at))
    const part = { method: 'PUT part', key: at.Key, uploadId: UploadId!, partNumber: 1 } as const
    const { headers } = await fetch(await backend.presign(part), { method: 'PUT', body: 'one part' })
    const Parts = [{ PartNumber: 1, ETag: headers.get('etag')! }]
    await place.client.send(
      new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }),
    )
    expect(String(await collect((await backend.get(at.Key))!.body))).toBe('one part')
  })
})

describe('encryption', () => {
  test('with a key of the customer, small and in parts, nobody reads without it', async () => {
    const key = randomBytes(32)
    await using backend = place.open({ encryption: { kind: 'customer', key }, partBytes })
    for (const [name, body] of Object.entries({ small: bytes.subarray(0, 100), large: bytes })) {
      await backend.put(name, body, { sha256: sha256Of(body) })
      expect((await collect((await backend.get(name))!.body)).equals(body)).toBe(true)
      expect((await backend.stat(name))?.size).toBe(body.byteLength)
      await using without = place.open()
      await expect(without.get(name)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
      await using wrong = place.open({ encryption: { kind: 'customer', key: randomBytes(32) } })
      const error: unknown = await wrong.get(name).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'StorageError' })
      expect(String(error)).not.toContain(key.toString('base64'))
    }
  })

  test('with a key of the key service', async () => {
    await using backend = place.open({ encryption: { kind: 'kms', keyId: place.rgw.kmsKeyId }, partBytes })
    await backend.put('kms', bytes)
    expect((await collect((await backend.get('kms'))!.body)).equals(bytes)).toBe(true)
    const { ServerSideEncryption } = await place.client.send(
      new HeadObjectCommand({ Bucket: place.bucket, Key: 'kms' }),
    )
    expect(ServerSideEncryption).toBe('aws:kms')
  })
})

test('SSE-S3 and the storage class are asked for with each object, also in parts', async () => {
  await using proxy = await startFaultProxy(place.rgw.endpoint)
  // This service has no SSE-S3: what is asked for is answered by the proxy.
  proxy.fail(
    { kind: 'answer', status: 400, body: '<Error><Code>InvalidArgument</Code></Error>' },
    { when: ({ method }) => method !== 'HEAD', times: 2 },
  )
  await using backend = place.open({
    endpoint: proxy.endpoint,
    encryption: { kind: 's3' },
    storageClass: 'STANDARD_IA',
    partBytes,
  })
  await expect(backend.put('small', bytes.subarray(0, 10))).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  await expect(backend.put('large', bytes)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  const asked = proxy.requests.map(({ method, headers }) => [
    method,
    headers['x-amz-server-side-encryption'],
    headers['x-amz-storage-class'],
  ])
  expect(asked).toEqual([
    ['PUT', 'AES256', 'STANDARD_IA'],
    ['POST', 'AES256', 'STANDARD_IA'],
  ])
})

test('with CRC32 asked for, parts and small objects are taken', async () => {
  await using backend = place.open({ checksums: 'crc32', partBytes })
  await backend.put('crc-small', bytes.subarray(0, 100))
  await backend.put('crc-large', bytes)
  expect((await collect((await backend.get('crc-large'))!.body)).equals(bytes)).toBe(true)
})

test('in a bucket that keeps versions, a delete hides the object, and its former values stay', async () => {
  await place.client.send(
    new PutBucketVersioningCommand({ Bucket: place.bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  )
  await using backend = place.open()
  expect((await backend.probe()).abilities.versioning).toBe(true)
  await backend.put('kept', Buffer.from('one'))
  await backend.put('kept', Buffer.from('two'))
  expect(String(await collect((await backend.get('kept'))!.body))).toBe('two')
  await backend.delete('kept')
  expect(await backend.stat('kept')).toBeUndefined()
  const { Versions } = await place.client.send(
    new ListObjectVersionsCommand({ Bucket: place.bucket, Prefix: 'kept' }),
  )
  expect(Versions?.length).toBe(2)
})
