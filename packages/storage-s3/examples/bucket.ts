import assert from 'node:assert/strict'
import { StorageError } from '@ipfs-kit/storage'
import { createS3Backend } from '@ipfs-kit/storage-s3'

await using photos = createS3Backend({
  profile: 'garage',
  endpoint: 'http://127.0.0.1:3900',
  bucket: 'photos',
  // Asked for when it is needed, so that secrets may lie elsewhere.
  credentials: async () => ({ accessKeyId: 'GK3515373e4c851ebaad366558', secretAccessKey: 'from your safe' }),
  attempts: 2,
})
assert.equal(photos.supports.conditionalPut, false)

// A URL with which anybody can read one object for a minute. It is made here; nobody is asked.
const url = new URL(await photos.presign({ method: 'GET', key: '2026/first.jpg', expiresSeconds: 60 }))
assert.equal(url.pathname, '/photos/2026/first.jpg')
assert.equal(url.searchParams.get('X-Amz-Expires'), '60')

// Where nobody listens, the error says whether another try may help.
try {
  await photos.put('2026/first.jpg', new TextEncoder().encode('not quite a picture'))
} catch (error) {
  assert(error instanceof StorageError)
  assert.equal(error.code, 'STORAGE_UNAVAILABLE')
  assert.equal(error.kind, 'temporary')
}
