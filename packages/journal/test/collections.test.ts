import type { Blocks } from '@ipfs-kit/blocks'
import { random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { walkDag } from '@ipfs-kit/ipfs/unixfs'
import { type Journal, JournalError } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })
const bytes = (text: string) => Buffer.from(text)

function whole(below: number): number {
  return Math.floor(random() * below)
}

/** Reads all blocks below all roots. */
async function checkRoots(journal: Journal, blocks: Blocks): Promise<number> {
  let count = 0
  for (const root of journal.roots()) {
    const get = async (cid: typeof root) => {
      count += 1
      const found = await blocks.get(cid)
      expect(found, `${cid} below ${root}`).toBeDefined()
      return found!
    }
    const check = async (leaves: readonly (typeof root)[]) => {
      for (const leaf of leaves) await get(leaf)
    }
    for await (const _ of walkDag(root, { get, check }));
  }
  return count
}

each('collections beside changes, checkpoints, snapshots and restores take nothing of any root', async () => {
  const disk = simDisk({ seed: 1, faults: { latencyMs: 1 } })
  const folders = ['/a', '/b', '/c']
  let tree: Map<string, string>
  {
    await using opened = await openOn(disk, { keepCheckpoints: 2, checkpointChanges: 9 })
    const { journal, blocks } = opened
    let isOver = false
    await taskGroup(async (group) => {
      group.spawn(async () => {
        while (!isOver) {
          await sleep(1)
          await blocks.collect()
        }
      })
      // What is looked at stays.
      group.spawn(async () => {
        while (!isOver) {
          const running = journal.verify()
          expect((await running.next()).done).toBe(true)
          for (const { name } of journal.snapshots()) {
            try {
              for await (const _ of journal.diff({ snapshot: name }, 'live'));
            } catch (error) {
              expect(error).toMatchObject({ code: 'JOURNAL_VERSION_UNKNOWN' })
            }
          }
          await sleep(1)
        }
      })
      await taskGroup((inner) => {
        for (const folder of folders) {
          inner.spawn(async () => {
            for (let nth = 0; nth < 15; nth += 1) {
              await journal.write(`${folder}/${whole(4)}/f`, bytes(`${folder} ${nth}`), { parents: true })
              const what = whole(6)
              if (what === 0) await journal.rm(folder, { recursive: true })
              if (what === 1) await journal.cp(folder, `${folder}/copy ${nth}`)
            }
          })
        }
        inner.spawn(async () => {
          for (let nth = 0; nth < 8; nth += 1) {
            await sleep(1)
            const names = journal.snapshots().map(({ name }) => name)
            const name = names[whole(names.length)]
            if (name !== undefined && whole(3) === 0) await journal.removeSnapshot(name)
            else if (name === undefined || whole(2) === 0) await journal.snapshot(`${nth}`)
            else await restoreSome(journal, name, folders[whole(3)]!)
          }
        })
      })
      isOver = true
    })
    await blocks.collect()
    expect(await checkRoots(journal, blocks)).toBeGreaterThan(0)
    tree = await treeOf(journal)
  }
  await using opened = await openOn(disk, { keepCheckpoints: 2 })
  await opened.blocks.collect()
  await checkRoots(opened.journal, opened.blocks)
  expect(await treeOf(opened.journal)).toEqual(tree)
})

/** Somebody may remove what it would be restored from, or what is there. */
async function restoreSome(journal: Journal, snapshot: string, path: string): Promise<void> {
  try {
    await journal.restore({ snapshot }, { path })
  } catch (error) {
    if (!(error instanceof JournalError && error.code === 'JOURNAL_NOT_FOUND')) throw error
  }
}
