import { createS3Backend, s3Profiles, type S3BackendOptions, type S3ProfileName } from '@ipfs-kit/storage-s3'
import { describe, expect, test } from 'vitest'

const credentials = { accessKeyId: 'key', secretAccessKey: 'planted-secret' }
const given = { bucket: 'bucket', credentials, region: 'somewhere', endpoint: 'https://s3.example.org' }

describe('each profile makes a backend that declares what the table says', () => {
  test.each(Object.keys(s3Profiles) as S3ProfileName[])('%s', async (profile) => {
    await using backend = createS3Backend({ ...given, profile })
    const { conditionalPut, conditionalReplace } = s3Profiles[profile]
    const always = { write: true, delete: true, list: true, ranges: true, keys: 'any' }
    expect(backend.supports).toEqual({ ...always, conditionalPut, conditionalReplace })
    expect(backend.name).toBe('s3:bucket')
    expect(backend.failureDomain).toBe('s3.example.org')
  })
})

test('AWS has an endpoint for each region, and fails by regions', async () => {
  await using backend = createS3Backend({ bucket: 'bucket', credentials, region: 'eu-central-1' })
  expect(backend.failureDomain).toBe('aws:eu-central-1')
  const url = new URL(await backend.presign({ method: 'GET', key: 'a/b' }))
  expect(url.host).toBe('bucket.s3.eu-central-1.amazonaws.com')
})

test('elsewhere the bucket is in the path', async () => {
  await using backend = createS3Backend({ bucket: 'bucket', credentials, profile: 'hf-bucket' })
  const url = new URL(await backend.presign({ method: 'GET', key: 'a/../b' }))
  expect(url.host).toBe('s3.hf.co')
  expect(url.href).toContain('/bucket/')
  expect(url.href).not.toContain('planted-secret')
})

test('an option takes the place of what the profile says', async () => {
  await using backend = createS3Backend({ ...given, profile: 'garage', conditionalPut: true, name: 'far' })
  expect(backend.supports.conditionalPut).toBe(true)
  expect(backend.name).toBe('far')
})

test.each<[string, object, typeof TypeError, string]>([
  ['unknown', { buckets: 'x' }, TypeError, 'no option buckets'],
  ['an unknown profile', { profile: 'azure' }, TypeError, 'profile is one of aws'],
  ['no bucket', { bucket: undefined }, TypeError, 'needs bucket'],
  ['an empty bucket', { bucket: '' }, TypeError, 'bucket is a text'],
  ['no region where it names a place', { region: undefined, profile: 'b2' }, TypeError, 'needs region'],
  ['no endpoint', { endpoint: undefined, profile: 'minio' }, TypeError, 'needs endpoint'],
  ['an endpoint that is none', { endpoint: 'ftp://x' }, TypeError, 'endpoint is a URL'],
  ['an endpoint with a user', { endpoint: 'https://user:planted-secret@x' }, TypeError, 'without a user'],
  ['no credentials', { credentials: undefined }, TypeError, 'credentials.accessKeyId'],
  [
    'an empty secret',
    { credentials: { accessKeyId: 'a', secretAccessKey: '' } },
    TypeError,
    'secretAccessKey',
  ],
  ['checksums of another kind', { checksums: 'md5' }, TypeError, 'checksums is'],
  ['an encryption of another kind', { encryption: { kind: 'rot13' } }, TypeError, 'encryption.kind'],
  ['a short key', { encryption: { kind: 'customer', key: new Uint8Array(31) } }, TypeError, '32 bytes'],
  ['small parts', { partBytes: 5 * 1024 * 1024 - 1 }, RangeError, 'partBytes'],
  ['half a part at once', { concurrency: 1.5 }, RangeError, 'concurrency'],
  ['no attempt', { attempts: 0 }, RangeError, 'attempts'],
  ['no time', { timeoutMs: Number.NaN }, RangeError, 'timeoutMs'],
])('%s is refused', (_, options, kind, message) => {
  let thrown: unknown
  try {
    createS3Backend({ ...given, ...options } as S3BackendOptions)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(kind)
  expect(String(thrown)).toContain(message)
  expect(String(thrown)).not.toContain('planted-secret')
})

test('calls refuse what cannot be, before anything is sent', async () => {
  // Nobody is asked: the endpoint is a name that does not exist.
  await using backend = createS3Backend({ ...given, endpoint: 'https://nowhere.invalid', profile: 'garage' })
  const bytes = new Uint8Array(3)
  await expect(backend.put('', bytes)).rejects.toMatchObject({ code: 'STORAGE_INVALID_KEY' })
  await expect(backend.put('k', bytes, { ifAbsent: true })).rejects.toMatchObject({
    code: 'STORAGE_NOT_SUPPORTED',
  })
  await expect(backend.put('k', bytes, { sha256: 'ABC' })).rejects.toThrow(TypeError)
  await expect(backend.put('k', bytes, { cid: 'line\nfeed' })).rejects.toThrow(TypeError)
  await expect(backend.sweep({ olderThanMs: -1 })).rejects.toThrow(RangeError)
  await expect(backend.list({ cursor: '%%' })).rejects.toMatchObject({ code: 'STORAGE_INVALID_CURSOR' })
  for (const expiresSeconds of [0, 604_801, 1.5]) {
    await expect(backend.presign({ method: 'GET', key: 'k', expiresSeconds })).rejects.toThrow(RangeError)
  }
  const part = { method: 'PUT part', key: 'k', uploadId: 'u', partNumber: 10_001 } as const
  await expect(backend.presign(part)).rejects.toThrow(RangeError)
})
