import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { createOwner } from '@ipfs-kit/concurrency'
import { buildFile, editFile, editFolder, lookUp, readFolder, type GetBlock } from '@ipfs-kit/ipfs/unixfs'

const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))
const blocks = await openBlocks({ path })
const owner = createOwner({ name: 'example' })
const get: GetBlock = async (cid) => {
  const bytes = await blocks.get(cid)
  if (bytes === undefined) throw new Error(`${cid} is not here`)
  return bytes
}

// The lease holds what is put until it is closed: by then the root has to be claimed by whoever keeps the tree.
const lease = blocks.lease({ name: 'example' })
const { signal } = new AbortController()
const files = { get, put: lease.put.bind(lease), owner, signal }
const folders = { get, put: lease.put.bind(lease), profile: 'unixfs-v1-2025' } as const

const text = await buildFile(new TextEncoder().encode('hello world'), files)
const folder = await editFolder(undefined, new Map([['hello.txt', text]]), folders)

// What is changed has another CID; what it was before is there as it was.
const louder = await editFile(text.cid, { offset: 0, content: new TextEncoder().encode('HELLO') }, files)
const changed = await editFolder(
  folder.cid,
  new Map([
    ['hello.txt', louder],
    ['as-it-was.txt', text],
  ]),
  folders,
)
const found = await lookUp(changed.cid, 'hello.txt', get)
assert.equal(Buffer.from(await get(found!.cid)).toString(), 'HELLO world')

const names: string[] = []
for await (const { name } of readFolder(changed.cid, get, { after: 'as-it-was.txt' })) names.push(name)
assert.deepEqual(names, ['hello.txt'])

await lease.flush()
lease.close()
await owner[Symbol.asyncDispose]()
await blocks.close()
await rm(path, { recursive: true })
