import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { openIpfs } from '@ipfs-kit/ipfs'
import { expect, it } from 'vitest'
import { fileOf, oldHome } from './old-home.ts'
import { addFile, opened, read } from './opened.ts'

it('links to files, to shards and to the whole folder are followed; what they lead to stays, the links go', async () => {
  const home = await oldHome(60)
  const elsewhere = join(home.path, 'elsewhere')
  await mkdir(elsewhere)
  const [one, two] = home.blocks
  await rename(one!.file, join(elsewhere, 'one'))
  await symlink(join(elsewhere, 'one'), one!.file)
  const shard = dirname(two!.file)
  const inShard = home.blocks.filter(({ file }) => dirname(file) === shard)
  await rename(shard, join(elsewhere, 'shard'))
  await symlink(join(elsewhere, 'shard'), shard)
  // Leads nowhere, and is none of ours.
  await symlink(join(elsewhere, 'nothing'), join(home.path, 'blocks', 'AA'))
  await rename(join(home.path, 'blocks'), join(home.path, 'real'))
  await symlink(join(home.path, 'real'), join(home.path, 'blocks'))

  const ipfs = await openIpfs({ path: home.path })
  expect((await ipfs.repo.stat()).blocks).toBe(home.blocks.length)
  expect(await ipfs.repo.gc()).toMatchObject({ removedBlocks: 0, keptBlocks: home.blocks.length })
  expect(ipfs.stats().migration).toMatchObject({
    state: 'done',
    blocks: home.blocks.length,
    ofBlocks: home.blocks.length,
    left: 0,
  })
  for (const { cid, bytes } of home.blocks) {
    expect(Buffer.compare(await ipfs.blocks.get(cid), bytes)).toBe(0)
  }
  expect(existsSync(shard)).toBe(false)
  expect(existsSync(join(elsewhere, 'one'))).toBe(!inShard.includes(one!))
  await ipfs.close()
  const { ipfs: again } = await opened({ path: home.path })
  expect(again.stats().migration).toBeUndefined()
})

it('a folder under the name of a block is no block, before and after', async () => {
  const home = await oldHome(20)
  const content = 'what the folder is named after'
  const { ipfs: other } = await opened()
  const cid = await addFile(other, content)
  const folder = fileOf(home.path, cid)
  await mkdir(folder, { recursive: true })
  const { ipfs } = await opened({ path: home.path })
  await expect(ipfs.blocks.get(cid)).rejects.toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
  expect(await ipfs.blockstore.has(cid)).toBe(false)
  await ipfs.blockstore.delete(cid)
  await ipfs.repo.gc()
  expect(ipfs.stats().migration).toMatchObject({ state: 'done', left: 0, damaged: 0 })
  expect(await addFile(ipfs, content)).toEqual(cid)
  expect((await read(ipfs, cid)).toString()).toBe(content)
  expect(existsSync(folder)).toBe(true)
})

it('a damaged file that is a link is set aside as a link', async () => {
  const home = await oldHome(20)
  const wrong = home.blocks.find(({ cid }) => !cid.equals(home.root))!
  const target = join(home.path, 'target')
  await rename(wrong.file, target)
  await writeFile(target, 'something else')
  await symlink(target, wrong.file)
  const { ipfs } = await opened({ path: home.path })
  await ipfs.repo.gc().catch(() => {})
  expect(ipfs.stats().migration).toMatchObject({ state: 'done', damaged: 1 })
  expect(await readdir(join(home.path, 'blocks', 'damaged'))).toEqual([basename(wrong.file)])
  expect(existsSync(target)).toBe(true)
})
