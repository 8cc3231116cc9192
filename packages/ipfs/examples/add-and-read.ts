import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openIpfs } from '@ipfs-kit/ipfs'

const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))
const ipfs = await openIpfs({ path })

// An add yields an item for each file and folder, and its summary last. The root is pinned by then.
const text = new TextEncoder().encode('hello world')
let root = ''
for await (const item of ipfs.files.add([
  { path: 'notes/hello.txt', content: text },
  { path: 'notes/empty' },
])) {
  if ('items' in item) root = String(item.cid)
  else if ('failed' in item) assert.fail(`${item.path}: ${item.failed.message}`)
  else console.log(`${item.cid}  ${item.path}`)
}

// The same bytes have the same CID everywhere.
const stat = await ipfs.files.stat(`${root}/hello.txt`)
assert.equal(String(stat.cid), 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e')

// Ranges read only the blocks that they need; each is verified before its bytes appear.
const { body, length } = await ipfs.files.cat(`${root}/hello.txt`, { offset: -5 })
const chunks: Uint8Array[] = []
for await (const chunk of body) chunks.push(chunk)
assert.equal(length, 5)
assert.equal(Buffer.concat(chunks).toString(), 'world')

const names: string[] = []
for await (const entry of ipfs.files.ls(root)) names.push(entry.name)
assert.deepEqual(names, ['empty', 'hello.txt'])

await ipfs.close()
await rm(path, { recursive: true })
