import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IpfsError, openIpfs } from '@ipfs-kit/ipfs'

const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))
const ipfs = await openIpfs({ path })

// A node and what it links to. Neither is pinned yet.
const leaf = await ipfs.blocks.put(new TextEncoder().encode('a leaf'))
const root = await ipfs.dag.put({ kind: 'tree', leaf })

// A pin is one record of the root; the generator walks the DAG and yields its blocks, so read it to its end.
for await (const block of ipfs.pins.add(root, { metadata: { name: 'my tree' } }))
  console.log(`holds ${block}`)
assert.equal(await ipfs.pins.isPinned(leaf), true)
assert.equal((await ipfs.repo.gc()).removedBlocks, 0)

for await (const cid of ipfs.pins.rm(root)) console.log(`unpinned ${cid}`)
assert.equal((await ipfs.repo.gc()).removedBlocks, 2)

// What is gone is not invented: the error says what was tried and what to do.
const error = await ipfs.dag.get(String(root)).catch((thrown: unknown) => thrown)
assert.ok(error instanceof IpfsError)
assert.equal(error.code, 'IPFS_BLOCK_NOT_FOUND')
console.log(`${error.message}. ${error.next}`)

await ipfs.close()
await rm(path, { recursive: true })
