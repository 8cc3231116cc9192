import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { addFile, folder, opened, pattern, pinned, read } from './opened.ts'

const child = fileURLToPath(new URL('./durable-child.ts', import.meta.url))

it('when a pin is answered, every byte and name of its packs was synced before', async () => {
  const parameters = ['--conditions=@ipfs-kit/source', child, join(await folder(), 'node')]
  const run = spawnSync(process.execPath, parameters, { encoding: 'utf8' })
  expect([run.status, run.stderr, run.stdout]).toEqual([0, '', 'all held\n'])
})

it('pins and what they reach are there when the node is opened again', async () => {
  const first = await opened()
  const cids = []
  for (let at = 0; at < 5; at += 1)
    cids.push(await addFile(first.ipfs, pattern(10_000, at), { chunkBytes: 100 }))
  const before = await first.ipfs.repo.stat()
  await first.ipfs.close()
  const { ipfs } = await opened({ path: first.path })
  expect(await pinned(ipfs)).toEqual(cids.map(String))
  expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
  const { blocks, bytes, pins } = await ipfs.repo.stat()
  expect([blocks, bytes, pins]).toEqual([before.blocks, before.bytes, before.pins])
  for (const [at, cid] of cids.entries())
    expect(await read(ipfs, cid)).toEqual(Buffer.from(pattern(10_000, at)))
})
