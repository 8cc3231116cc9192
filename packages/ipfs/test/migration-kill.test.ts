import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { openIpfs } from '@ipfs-kit/ipfs'
import { expect, it } from 'vitest'
import { oldHome } from './old-home.ts'
import { all, folder, pinned } from './opened.ts'

const child = fileURLToPath(new URL('./migration-child.ts', import.meta.url))

async function run(path: string, step: number): Promise<'killed' | 'done'> {
  const process_ = spawn(process.execPath, ['--conditions=@ipfs-kit/source', child, path, String(step)])
  const said = text(process_.stdout)
  const problems = text(process_.stderr)
  const [, signal] = (await once(process_, 'close')) as [number | null, string | null]
  if (signal === 'SIGKILL') return 'killed'
  if ((await said) === 'done') return 'done'
  throw new Error(await problems)
}

it('after kill -9 again and again nothing is lost or counted twice, and at the end all is in packs', async () => {
  const home = await oldHome(150)
  const bytes = home.blocks.reduce((sum, block) => sum + block.bytes.length, 0)
  const shapes = new Set<string>()
  const files = async (path: string): Promise<number> =>
    (await readdir(join(path, 'blocks'), { recursive: true })).filter((name) => name.endsWith('.data')).length
  let kills = 0
  // While it reads, while it writes and syncs, while it removes files: each time a bit later, for it begins anew each time.
  for (let step = 20; (await run(home.path, step)) === 'killed'; step += 23) {
    kills += 1
    const left = await files(home.path)
    shapes.add(left === home.blocks.length ? 'all files' : left === 0 ? 'no files' : 'some files')
    const copy = await folder()
    await cp(home.path, copy, { recursive: true })
    const ipfs = await openIpfs({ path: copy })
    expect(await ipfs.repo.stat()).toMatchObject({ blocks: home.blocks.length, bytes, pins: 1 })
    for (const block of home.blocks) {
      expect(Buffer.compare(await ipfs.blocks.get(block.cid), block.bytes)).toBe(0)
    }
    await ipfs.close()
  }
  expect(kills).toBeGreaterThan(5)
  expect(shapes).toContain('all files')
  expect(shapes).toContain('some files')
  expect((await readdir(join(home.path, 'blocks'))).filter((name) => name.length === 2)).toEqual([])
  const ipfs = await openIpfs({ path: home.path })
  try {
    expect(ipfs.stats().migration).toBeUndefined()
    expect(await ipfs.repo.stat()).toMatchObject({ blocks: home.blocks.length, bytes, pins: 1 })
    expect(await pinned(ipfs)).toEqual([home.root.toString()])
    expect(await all(ipfs.pins.add(home.root))).toHaveLength(home.blocks.length)
    expect(await ipfs.store.verify()).toMatchObject({ damagedBlocks: 0 })
    expect(ipfs.store.stats()).toMatchObject({ keptEntries: home.blocks.length })
  } finally {
    await ipfs.close()
  }
})
