import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBlocksBackend, createHeliaBlockstore, openBlocks } from '@ipfs-kit/blocks'
import { CID } from 'multiformats/cid'

const folder = await mkdtemp(join(tmpdir(), 'blocks-'))
const store = await openBlocks({ path: join(folder, 'store') })

// A storage backend: objects under their CIDs, on the disk when a put is acknowledged.
const backend = createBlocksBackend(store, { name: 'here', failureDomain: 'volume:example' })
const key = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'
await backend.put(key, Buffer.from('hello'))
const { entries } = await backend.list()
assert.deepEqual(
  entries.map((entry) => entry.key),
  [key],
)

// The blockstore that Helia, the importer and the exporter take. It shows the same blocks.
const blockstore = createHeliaBlockstore(store)
for await (const piece of blockstore.get(CID.parse(key))) assert.equal(String(Buffer.from(piece)), 'hello')

// Values under free keys. Nothing verifies them but a checksum, so they are a part of its own.
await store.unverified.put('feed/last-seen', Buffer.from('41'))
assert.equal(String(await store.unverified.get('feed/last-seen')), '41')

await backend.close()
await store.close()
await rm(folder, { recursive: true })
