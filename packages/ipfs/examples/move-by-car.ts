import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openIpfs } from '@ipfs-kit/ipfs'

const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))
const here = await openIpfs({ path: join(path, 'here') })
const there = await openIpfs({ path: join(path, 'there') })

let root = ''
for await (const item of here.files.add([{ path: 'data.bin', content: new Uint8Array(3_000_000) }])) {
  if ('items' in item) root = String(item.cid)
}

// The archive streams from one node into the other: each block is verified, and the root is pinned when all are there.
const { roots, blocks } = await there.car.import(await here.car.export(root), { name: 'moved' })
assert.deepEqual(roots.map(String), [root])
console.log(`${blocks} blocks moved`)

const { size } = await there.files.cat(root)
assert.equal(size, 3_000_000)

await Promise.all([here.close(), there.close()])
await rm(path, { recursive: true })
