import assert from 'node:assert/strict'
import { createMemoryTier, createTieredBlockstore, tiered } from '@ipfs-kit/cache/tiered'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'

// Any storage backend is a tier: a pack store, S3. Here one in memory stands for each.
const disk = createMemoryBackend({ name: 'disk', maxBytes: 64 * 1024 * 1024 })
const remote = createMemoryBackend({ name: 'remote', maxBytes: 64 * 1024 * 1024 })
await using store = tiered([createMemoryTier({ maxBytes: 8 * 1024 * 1024 }), disk, remote], {
  keys: 'cid',
  tiers: {
    disk: { timeoutMs: 2000, hedgeAfterMs: 50 },
    remote: { timeoutMs: 10_000 },
  },
})

const bytes = new TextEncoder().encode('a block')
const cid = CID.createV1(0x55, await sha256.digest(bytes))
const key = cid.toString()

// Found in the last tier, verified, and promoted to those above.
await remote.put(key, bytes)
assert.deepEqual(await store.getBytes(key), bytes)
assert.deepEqual(store.peek(key), bytes)

const { state, hits, tiers } = await store.explain(key)
assert.deepEqual([state, hits], ['present', 2])
assert.equal(tiers[2]!.reason, 'found')

// Other bytes under a CID are none: not answered, not promoted, and the tier is left alone.
const other = CID.createV1(0x55, await sha256.digest(new TextEncoder().encode('another block')))
await disk.put(other.toString(), bytes)
assert.equal(await store.getBytes(other.toString()), undefined)
assert.equal(store.stats().tiers[1]!.breaker.state, 'open')

// The shape that Helia takes.
const blockstore = createTieredBlockstore(store)
assert.equal(await blockstore.has(cid), true)

// Many keys at once; a failure is that of its key alone.
for await (const item of store.statMany([key, 'no CID'])) {
  if ('error' in item) assert.equal(item.key, 'no CID')
  else assert.equal(item.value?.size, 7)
}
