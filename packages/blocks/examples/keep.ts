import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { CID } from 'multiformats/cid'
import { code as raw } from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'

function cidOf(bytes: Uint8Array): CID {
  return CID.createV1(raw, create(0x12, createHash('sha256').update(bytes).digest()))
}

const folder = await mkdtemp(join(tmpdir(), 'blocks-'))
const pinned = new Set<CID>()
const store = await openBlocks({
  path: join(folder, 'store'),
  maxBytes: 64 * 1024 * 1024,
  // What is kept: whatever these roots reach. The owner records them, here in memory.
  claims: () => [...pinned].map((cid) => ({ cid })),
  links: () => [],
})

// Without a lease a block lies in a cache pack, and goes when room is needed.
const cached = Buffer.from('nobody keeps this')
await store.put(cidOf(cached), cached)

// To keep content: put it through a lease, flush, record the claim, and only then close the lease.
const bytes = Buffer.from('this is to stay')
const cid = cidOf(bytes)
{
  using lease = store.lease({ name: 'add' })
  await lease.put(cid, bytes)
  await lease.flush()
  pinned.add(cid)
}
const { state, synced } = await store.explain(cid)
assert.deepEqual({ state, synced }, { state: 'kept', synced: true })

// Reads are verified. What is not here, or damaged, is undefined.
assert.deepEqual(await store.get(cid), bytes)
assert.equal(await store.get(cidOf(Buffer.from('never put'))), undefined)
await assert.rejects(store.put(cid, Buffer.from('something else')), { code: 'BLOCKS_MISMATCH' })

const { removedBlocks } = await store.collect()
assert.equal(removedBlocks, 1)
assert.equal(await store.has(cidOf(cached)), false)
assert.equal(await store.has(cid), true)

await store.close()
await rm(folder, { recursive: true })
