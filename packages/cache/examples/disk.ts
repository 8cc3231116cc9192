import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDiskCache } from '@ipfs-kit/cache/disk'

const path = await mkdtemp(join(tmpdir(), 'pages-'))
{
  await using cache = await openDiskCache({ path, maxBytes: 64 * 1024 * 1024, ttlMs: 3_600_000 })

  await cache.put('pages/start', new TextEncoder().encode('<h1>Start</h1>'), {
    mediaType: 'text/html; charset=utf-8',
    metadata: { etag: '"1"' },
  })
  // A body may be a stream: it is never in memory as a whole.
  await cache.put('films/1', new Blob([new Uint8Array(3_000_000)]).stream(), { mediaType: 'video/mp4' })
}

// What was there is there when it is opened again.
await using cache = await openDiskCache({ path, maxBytes: 64 * 1024 * 1024 })
const start = await cache.getBytes('pages/start')
assert.equal(new TextDecoder().decode(start), '<h1>Start</h1>')
assert.deepEqual((await cache.entry('pages/start'))?.metadata, { etag: '"1"' })

let bytes = 0
const film = await cache.get('films/1', { offset: 1_000_000 })
for await (const chunk of film?.body ?? []) bytes += chunk.byteLength
assert.equal(bytes, 2_000_000)

assert.equal(await cache.touch('pages/start', { ttlMs: 60_000 }), true)
assert.deepEqual(cache.stats().byMediaType, {
  'text/html': { entries: 1, bytes: 14 },
  'video/mp4': { entries: 1, bytes: 3_000_000 },
})
const { entries } = await cache.list({ prefix: 'films/' })
assert.deepEqual(
  entries.map(({ key, size }) => ({ key, size })),
  [{ key: 'films/1', size: 3_000_000 }],
)

assert.equal(await cache.clear(), 2)
await cache.close()
await rm(path, { recursive: true })
