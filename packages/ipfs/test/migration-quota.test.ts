import { openIpfs } from '@ipfs-kit/ipfs'
import { expect, it } from 'vitest'
import { oldHome } from './old-home.ts'
import { concat, drain, opened } from './opened.ts'

it('a limit that is too small stops it with its code, loses nothing, and more room lets it go on', async () => {
  const { path, blocks } = await oldHome(300, 500)
  const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0)
  const tight = await openIpfs({ path, maxBytes: 2 ** 20 })
  expect(await tight.repo.gc()).toMatchObject({ removedBlocks: 0, keptBlocks: blocks.length })
  expect(tight.stats().migration).toMatchObject({ state: 'stopped', error: { code: 'IPFS_STORE_FULL' } })
  expect(tight.stats().migration!.blocks).toBeGreaterThan(0)
  expect(tight.store.stats().packBytes).toBeLessThanOrEqual(2 ** 20)
  expect(await tight.repo.stat()).toMatchObject({ blocks: blocks.length, bytes, pins: 1 })
  for (const { cid, bytes: expected } of blocks) {
    expect(Buffer.compare(await tight.blocks.get(cid), expected)).toBe(0)
  }
  await tight.close()
  const { ipfs } = await opened({ path })
  await ipfs.repo.gc()
  expect(ipfs.stats().migration).toMatchObject({ state: 'done' })
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: blocks.length, bytes })
})

it('unpinning and a collection make room: it then goes on by itself', async () => {
  const { path, root } = await oldHome(300, 500)
  const { ipfs } = await opened({ path, maxBytes: 2 ** 20 })
  await ipfs.repo.gc()
  expect(ipfs.stats().migration).toMatchObject({ state: 'stopped' })
  await drain(ipfs.pins.rm(root))
  expect(await ipfs.repo.gc()).toMatchObject({ keptBlocks: 0 })
  expect(ipfs.stats().migration).toMatchObject({ state: 'done' })
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 0, bytes: 0 })
})

it('an export of what lies in files copies nothing, also in a store without room', async () => {
  const home = await oldHome(300, 500)
  // Room for nothing: what is pinned is four times the limit.
  const { ipfs } = await opened({ path: home.path, maxBytes: 2 ** 20 })
  await ipfs.repo.gc()
  const { blocksWritten } = ipfs.store.stats()
  const car = await concat(await ipfs.car.export(home.root.toString()))
  expect(car.length).toBeGreaterThan(home.blocks.reduce((sum, block) => sum + block.bytes.length, 0))
  expect(ipfs.store.stats().blocksWritten).toBe(blocksWritten)
})
