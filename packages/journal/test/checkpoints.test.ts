import { sleep } from '@ipfs-kit/concurrency'
import { forEachBackend, simulate } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import { damageLastRecordOf } from './damage.ts'
import { openOn } from './open-on.ts'
import { treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })

/** A journal with a file and a checkpoint for each number, and a change behind them; gives the checkpoints, the oldest first. */
async function withCheckpoints(disk: SimDisk, count: number): Promise<CID[]> {
  await using opened = await openOn(disk)
  const { journal } = opened
  const cids: CID[] = []
  for (let nth = 1; nth <= count; nth += 1) {
    await journal.write(`/d/f${nth}`, Buffer.from(`text ${nth}`), { parents: true })
    cids.push((await journal.checkpoint()).cid)
  }
  await journal.write('/d/last', Buffer.from('last'))
  return cids
}

function filesOf(count: number): Map<string, string> {
  const files = Array.from({ length: count }, (_, at) => [`/d/f${at + 1}`, `text ${at + 1}`] as const)
  return new Map([['/d/', ''], ...files, ['/d/last', 'last']])
}

async function deleteBlock(disk: SimDisk, cid: CID): Promise<void> {
  await using opened = await openOn(disk)
  expect(await opened.blocks.delete(cid)).toBe(true)
}

each('the last checkpoints are kept with all their blocks', async () => {
  const disk = simDisk({ seed: 1 })
  const cids = await withCheckpoints(disk, 5)
  await using opened = await openOn(disk)
  const { journal, blocks } = opened
  const kept = journal.checkpoints().map(({ cid }) => String(cid))
  expect(kept).toEqual(cids.slice(2).toReversed().map(String))
  expect(journal.roots().map(String)).toEqual(expect.arrayContaining(kept))
  await journal.rm('/d', { recursive: true })
  await blocks.collect()
  for (const cid of cids.slice(2)) expect(await blocks.has(cid)).toBe(true)
  for (const cid of cids.slice(0, 2)) expect(await blocks.has(cid)).toBe(false)
})

each(
  'older checkpoints go when that is asked for, with what only they have, also when nothing has changed',
  async () => {
    const disk = simDisk({ seed: 1 })
    const cids = await withCheckpoints(disk, 3)
    {
      await using opened = await openOn(disk)
      const { journal, blocks } = opened
      await journal.rm('/d', { recursive: true })
      const { cid } = await journal.checkpoint()
      await blocks.collect()
      expect(await blocks.has(cids[2]!)).toBe(true)
      for (const keep of [0, -1, 1.5, 101, Number.NaN])
        await expect(journal.checkpoint({ keep })).rejects.toThrow(RangeError)
      expect(journal.checkpoints()).toHaveLength(3)

      expect((await journal.checkpoint({ keep: 2 })).cid).toEqual(cid)
      expect(journal.checkpoints().map(({ sequence }) => sequence)).toEqual([5, 3])
      await journal.checkpoint({ keep: 1 })
      expect(journal.checkpoints().map(({ sequence }) => sequence)).toEqual([5])
      await blocks.collect()
      for (const gone of cids) expect(await blocks.has(gone)).toBe(false)
      await journal.mkdir('/after')
    }
    await using opened = await openOn(disk)
    expect(opened.journal.recovery).toMatchObject({ checkpoint: { sequence: 5 }, changes: 1, passed: [] })
    expect(await treeOf(opened.journal)).toEqual(new Map([['/after/', '']]))
    // From then on as many are kept as always.
    for (const name of ['/a', '/b', '/c']) {
      await opened.journal.mkdir(name)
      await opened.journal.checkpoint()
    }
    expect(opened.journal.checkpoints()).toHaveLength(3)
  },
)

each('a checkpoint whose record is damaged is passed by, and so is no change', async () => {
  const disk = simDisk({ seed: 1 })
  const cids = await withCheckpoints(disk, 5)
  await damageLastRecordOf(disk, cids[4]!)
  for (let times = 0; times < 2; times += 1) {
    await using opened = await openOn(disk)
    const { journal, blocks } = opened
    expect(String(journal.recovery.checkpoint?.cid)).toBe(String(cids[3]))
    expect(journal.recovery).toMatchObject({ changes: 2, dropped: 0, passed: [] })
    expect(journal.recovery.findings).toMatchObject([{ kind: 'damage' }])
    // One of those that are kept again had been let go: a collection takes no offence at that.
    await blocks.collect()
    expect(await treeOf(journal)).toEqual(filesOf(5))
  }
})

each('a checkpoint whose root is missing is passed by, and the next is whole', async () => {
  const disk = simDisk({ seed: 1 })
  const cids = await withCheckpoints(disk, 5)
  await deleteBlock(disk, cids[4]!)
  {
    await using opened = await openOn(disk)
    const { journal, blocks } = opened
    const { recovery } = journal
    expect(String(recovery.checkpoint?.cid)).toBe(String(cids[3]))
    expect(recovery).toMatchObject({ changes: 2, dropped: 0, findings: [] })
    expect(recovery.passed).toMatchObject([
      { checkpoint: { sequence: 5 }, reason: { code: 'JOURNAL_BLOCK_MISSING' } },
    ])
    await blocks.collect()
    expect(await treeOf(journal)).toEqual(filesOf(5))
    await journal.checkpoint()
    expect(journal.checkpoints().map(({ sequence }) => sequence)).toEqual([6, 4, 3])
  }
  await using opened = await openOn(disk)
  expect(opened.journal.recovery).toMatchObject({ changes: 0, passed: [] })
  expect(await treeOf(opened.journal)).toEqual(filesOf(5))
})

each('a folder that the changes need and that is missing makes an opening go back', async () => {
  const disk = simDisk({ seed: 1 })
  let folder: CID
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    await journal.write('/d/f1', Buffer.from('text 1'), { parents: true })
    await journal.checkpoint()
    await journal.write('/d/f2', Buffer.from('text 2'))
    folder = await journal.flush('/d')
    await journal.write('/d/last', Buffer.from('last'))
  }
  await deleteBlock(disk, folder)
  await using opened = await openOn(disk)
  const { recovery } = opened.journal
  expect(recovery).toMatchObject({ checkpoint: { sequence: 1 }, changes: 2 })
  expect(recovery.passed).toMatchObject([{ reason: { code: 'JOURNAL_BLOCK_MISSING' } }])
  expect(await treeOf(opened.journal)).toEqual(filesOf(2))
})

each('an opening goes back to the beginning of the log while that is there', async () => {
  const disk = simDisk({ seed: 1 })
  const cids = await withCheckpoints(disk, 2)
  for (const cid of cids) await deleteBlock(disk, cid)
  await using opened = await openOn(disk)
  const { recovery } = opened.journal
  expect(recovery.checkpoint).toBeUndefined()
  expect(recovery.passed.map(({ checkpoint }) => String(checkpoint.cid))).toEqual(
    cids.toReversed().map(String),
  )
  expect(await treeOf(opened.journal)).toEqual(filesOf(2))
})

each('a missing block of an older checkpoint stops neither openings nor collections', async () => {
  const disk = simDisk({ seed: 1 })
  const cids = await withCheckpoints(disk, 3)
  await deleteBlock(disk, cids[1]!)
  await using opened = await openOn(disk)
  const { journal, blocks } = opened
  expect(journal.recovery).toMatchObject({ changes: 1, passed: [] })
  await blocks.collect()
  expect(await treeOf(journal)).toEqual(filesOf(3))
})

each('a gap in the log behind an older checkpoint is told, and none of its changes is made up', async () => {
  const disk = simDisk({ seed: 1 })
  const cids = await withCheckpoints(disk, 2)
  await using before = await openOn(disk)
  const { cid: file } = await before.journal.stat('/d/f2')
  await before[Symbol.asyncDispose]()
  await damageLastRecordOf(disk, file!)
  {
    await using opened = await openOn(disk)
    expect(opened.journal.recovery).toMatchObject({ changes: 1, findings: [{ kind: 'damage' }] })
    expect(await treeOf(opened.journal)).toEqual(filesOf(2))
  }
  await deleteBlock(disk, cids[1]!)
  await expect(openOn(disk)).rejects.toMatchObject({ code: 'JOURNAL_BLOCK_MISSING' })
})

each('a full volume takes no checkpoint, and those before it stay', async () => {
  const disk = simDisk({ seed: 1 })
  const cids = await withCheckpoints(disk, 3)
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    disk.failAt('write', 1, 'ENOSPC')
    await expect(journal.checkpoint()).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
    expect(journal.checkpoints().map(({ cid }) => String(cid))).toEqual(cids.toReversed().map(String))
    expect(await treeOf(journal)).toEqual(filesOf(3))
    const { cid } = await journal.checkpoint()
    expect(String(journal.checkpoints()[0]!.cid)).toBe(String(cid))
  }
  await using opened = await openOn(disk)
  expect(opened.journal.recovery.changes).toBe(0)
  expect(await treeOf(opened.journal)).toEqual(filesOf(3))
})

each('a checkpoint is made after so many bytes of changes', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { checkpointBytes: 65_536 })
  const { journal } = opened
  for (let nth = 0; nth < 70; nth += 1) await journal.mkdir(`/${'n'.repeat(900)}${nth}`)
  expect(journal.stats().checkpoint).toBeUndefined()
  for (let nth = 0; nth < 10; nth += 1) await journal.mkdir(`/${'m'.repeat(900)}${nth}`)
  while (journal.stats().checkpoint === undefined) await sleep(1)
})

test('a checkpoint is made after a time in which something has changed, whatever the clock of the wall does', async () => {
  const { failed } = await simulate(
    async () => {
      let now = 1_000_000
      const disk = simDisk({ seed: 1 })
      const options = { checkpointMs: 60_000, clock: () => (now -= 1000) }
      {
        await using opened = await openOn(disk, options)
        const { journal } = opened
        await sleep(200_000)
        expect(journal.stats().checkpoint).toBeUndefined()
        await journal.mkdir('/a')
        await sleep(59_000)
        expect(journal.stats().checkpoint).toBeUndefined()
        await sleep(2000)
        expect(journal.stats().checkpoint).toMatchObject({ sequence: 1 })
        await sleep(200_000)
        await journal.mkdir('/b')
        disk.failAt('write', 1, 'ENOSPC')
        await sleep(61_000)
        expect(journal.stats().checkpointFailure).toMatchObject({ code: 'JOURNAL_FULL' })
        await sleep(61_000)
        expect(journal.stats()).toMatchObject({ checkpoint: { sequence: 2 }, checkpointFailure: undefined })
        const [newest, older] = journal.checkpoints()
        expect(newest!.at).toBeLessThan(older!.at)
        await journal.mkdir('/c')
      }
      await using opened = await openOn(disk, options)
      const { journal } = opened
      expect(journal.recovery).toMatchObject({ checkpoint: { sequence: 2 }, changes: 1 })
      await sleep(61_000)
      expect(journal.stats()).toMatchObject({ checkpoint: { sequence: 3 } })
    },
    { seeds: 5 },
  )
  expect(failed[0]?.error).toBeUndefined()
})

each('a folder that came by its CID is kept as long as a recovery has to take it apart again', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk, { keepCheckpoints: 1 })
    const { journal, blocks } = opened
    await journal.write('/a/b/f', Buffer.from('f'), { parents: true })
    const folder = await journal.flush('/a')
    await journal.rm('/a', { recursive: true })
    await journal.checkpoint()
    await journal.put('/x', folder)
    await journal.mv('/x/b/f', '/g')
    await journal.rm('/x', { recursive: true })
    await blocks.collect()
    expect(await blocks.has(folder)).toBe(true)
  }
  await using opened = await openOn(disk.crash(), { keepCheckpoints: 1 })
  const { journal, blocks } = opened
  expect(await treeOf(journal)).toEqual(new Map([['/g', 'f']]))
  await blocks.collect()
  for (let nth = 0; nth < 100; nth += 1) await journal.mkdir(`/${'n'.repeat(900)}${nth}`)
  const held = journal.roots().length
  await journal.checkpoint()
  expect(journal.roots().length).toBeLessThan(held)
})
