import { openBlocks } from '@ipfs-kit/blocks'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type Disk, simDisk } from '@ipfs-kit/disk'
import { type Journal, openJournal, type TreeBlocks } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { linksOf } from '@ipfs-kit/ipfs/unixfs'
import { openOn } from './open-on.ts'
import { textOf, treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })

each('what a change has displaced is a root until the change is in the log', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  const hasRoot = (cid: string): boolean => journal.roots().some((root) => String(root) === cid)
  await journal.write('/d/f', Buffer.from('f'), { parents: true })
  const { cid } = await journal.stat('/d/f')
  const removed = journal.rm('/d', { recursive: true })
  expect(hasRoot(String(cid))).toBe(true)
  await removed
  expect(hasRoot(String(cid))).toBe(false)
})

each('a collection takes nothing of what comes back because a change could not be logged', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal, blocks } = opened
  await journal.write('/f', Buffer.from('f'))
  disk.failAt('write', 1, 'ENOSPC')
  await expect(journal.rm('/f')).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  await blocks.collect()
  expect(await textOf(journal, '/f')).toBe('f')
})

each('what is there already is answered when it is in the log', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal } = opened
  disk.failAt('write', 1, 'ENOSPC')
  const outcomes = await Promise.allSettled([
    journal.mkdir('/d', { parents: true }),
    journal.mkdir('/d', { parents: true }),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await journal.ls('/')).toEqual({ entries: [] })
})

each('a flush gives the CID of a file when its change is in the log', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal } = opened
  await journal.write('/f', Buffer.from('f'))
  disk.failAt('write', 1, 'ENOSPC')
  const moved = journal.mv('/f', '/g')
  const flushed = journal.flush('/g')
  const outcomes = await Promise.allSettled([moved, flushed])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})

/** A journal the next read of whose blocks can be made to wait. */
async function openGated(disk: Disk) {
  let journal: Journal | undefined
  let gate: PromiseWithResolvers<void> | undefined
  let reached = Promise.withResolvers<void>()
  const blocks = await openBlocks({
    path: '/blocks',
    disk,
    links: linksOf,
    claims: () => journal!.claims(),
    retained: () => journal?.roots() ?? [],
  })
  const between: TreeBlocks = {
    async get(cid, options) {
      const waited = gate
      gate = undefined
      if (waited !== undefined) {
        reached.resolve()
        await waited.promise
      }
      return await blocks.get(cid, options)
    },
    noteRetained: (roots) => {
      blocks.noteRetained(roots)
    },
    lease: (options) => blocks.lease(options),
  }
  const opened = await openJournal({ path: '/journal', disk, blocks: between, folderMemoryBytes: 0 })
  journal = opened
  return {
    journal: opened,
    gate: {
      close: () => {
        reached = Promise.withResolvers()
        return (gate = Promise.withResolvers<void>())
      },
      reached: () => reached.promise,
    },
    collect: () => blocks.collect(),
    async [Symbol.asyncDispose]() {
      await opened.close()
      await blocks.close()
    },
  }
}

test('a list has what a checkpoint writes while it reads', async () => {
  await using opened = await openGated(simDisk({ seed: 1 }))
  const { journal, gate } = opened
  await journal.mkdir('/a')
  await journal.checkpoint()
  await journal.mkdir('/b')
  const door = gate.close()
  const listed = journal.ls('/')
  await gate.reached()
  await journal.checkpoint()
  door.resolve()
  expect((await listed).entries.map(({ name }) => name)).toEqual(['a', 'b'])
})

each('a checkpoint while a file is written into is no conflict', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/f', Buffer.from('0123'))
  const content = async function* () {
    yield Buffer.from('x')
    await journal.checkpoint()
    yield Buffer.from('y')
  }
  await journal.writeAt('/f', 1, content())
  expect(await treeOf(journal)).toEqual(new Map([['/f', '0xy3']]))
})

each('a checkpoint whose record may be on the disk keeps its blocks', async () => {
  for (const operation of ['write', 'sync'] as const) {
    for (let nth = 1; nth <= 8; nth += 1) {
      const disk = simDisk({ seed: 1 })
      const opened = await openOn(disk)
      await opened.journal.write('/d/f', Buffer.from('f'), { parents: true })
      disk.failAt(operation, nth)
      await Promise.allSettled([opened.journal.checkpoint()])
      await Promise.allSettled([opened.blocks.collect()])
      const next = disk.kill()
      await Promise.allSettled([opened[Symbol.asyncDispose]()])
      await using again = await openOn(next)
      expect(await treeOf(again.journal)).toEqual(
        new Map([
          ['/d/', ''],
          ['/d/f', 'f'],
        ]),
      )
    }
  }
})

test('a look into a folder outlives the blocks that it was begun with', async () => {
  await using opened = await openGated(simDisk({ seed: 1 }))
  const { journal, gate, collect } = opened
  await journal.mkdir('/d/e', { parents: true })
  await journal.write('/d/f', Buffer.from('f'))
  await journal.checkpoint()
  for (const look of [() => journal.stat('/d/f'), () => journal.ls('/d')]) {
    await journal.stat('/d')
    const door = gate.close()
    const looked = look()
    await gate.reached()
    await journal.mkdir('/d/g')
    await journal.checkpoint()
    await collect()
    door.resolve()
    await looked
    await journal.rm('/d/g')
    await journal.checkpoint()
  }
})
