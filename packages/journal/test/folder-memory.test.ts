import { openBlocks } from '@ipfs-kit/blocks'
import { simDisk } from '@ipfs-kit/disk'
import { linksOf } from '@ipfs-kit/ipfs/unixfs'
import { type Journal, openJournal, type TreeBlocks } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'

/** Counts the blocks that are read by work in a folder whose blocks were written. */
async function readsOf(
  work: (journal: Journal) => Promise<unknown>,
  folderMemoryBytes?: number,
): Promise<number> {
  const disk = simDisk({ seed: 1 })
  await using blocks = await openBlocks({ path: '/blocks', disk, links: linksOf })
  let reads = 0
  const counted: TreeBlocks = {
    get: (cid, options) => {
      reads += 1
      return blocks.get(cid, options)
    },
    lease: (options) => blocks.lease(options),
    noteRetained: (roots) => {
      blocks.noteRetained(roots)
    },
  }
  const options = folderMemoryBytes === undefined ? {} : { folderMemoryBytes }
  await using journal = await openJournal({ path: '/journal', disk, blocks: counted, ...options })
  for (let nth = 0; nth < 20; nth += 1) await journal.mkdir(`/d/${nth}`, { parents: true })
  await journal.checkpoint()
  const before = reads
  await work(journal)
  return reads - before
}

async function makeMore(journal: Journal): Promise<void> {
  for (let nth = 20; nth < 40; nth += 1) await journal.mkdir(`/d/${nth}`)
  await journal.checkpoint()
}

test('new names in a folder that was written read nothing', async () => {
  expect(await readsOf(makeMore)).toBe(0)
})

test('without memory, or with less than a block takes, each of them reads the folder', async () => {
  for (const folderMemoryBytes of [0, 100]) {
    expect(await readsOf(makeMore, folderMemoryBytes)).toBeGreaterThanOrEqual(20)
  }
})

test('a memory that is no number of bytes is refused', async () => {
  for (const wrong of [-1, 1.5, Number.NaN, 2 ** 33])
    await expect(readsOf(makeMore, wrong)).rejects.toThrow(RangeError)
})
