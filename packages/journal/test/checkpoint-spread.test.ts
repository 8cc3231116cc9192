import { channel } from 'node:diagnostics_channel'
import { now, sleep } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn, type Opened } from './open-on.ts'

/** So many changes that a checkpoint of them waits ten times for others, 20 ms where none come. */
const many = 1280

/** So long that a folder of as many names is a HAMT. */
const longName = 'n'.repeat(200)

/** A journal that has begun a checkpoint by itself, on the clock of a simulation: the disk takes no time. */
async function begun(): Promise<Opened> {
  const opened = await openOn(simDisk({ seed: 1 }), { checkpointChanges: many })
  await change(opened, 0, many)
  return opened
}

async function change({ journal }: Opened, from: number, to: number): Promise<void> {
  for (let nth = from; nth < to; nth += 1) await journal.write(`/${nth}${longName}`, Buffer.from(`${nth}`))
}

async function closeLater(opened: Opened): Promise<void> {
  await sleep(50)
  await opened[Symbol.asyncDispose]()
}

test.each<[what: string, beside: (opened: Opened) => Promise<unknown>, from: number, to: number]>([
  ['takes its time where nothing else changes', async () => sleep(1000), 180, 300],
  ['goes on with the changes that come', (opened) => change(opened, many, 2 * many - 1), 0, 40],
  ['is not waited for by who wants one', ({ journal }) => journal.checkpoint(), 0, 40],
  ['is not waited for by who closes the journal', closeLater, 50, 70],
])('a checkpoint that is made by itself %s', async (_, beside, from, to) => {
  const { failed } = await simulate(
    async () => {
      const checkpoints = channel('journal:checkpoint')
      await using opened = await begun()
      const since = now()
      const made: number[] = []
      const listen = () => void made.push(now() - since)
      checkpoints.subscribe(listen)
      try {
        await beside(opened)
      } finally {
        checkpoints.unsubscribe(listen)
      }
      expect(made).toHaveLength(1)
      expect(made[0]).toBeGreaterThanOrEqual(from)
      expect(made[0]).toBeLessThan(to)
    },
    { seeds: 3 },
  )
  expect(failed).toEqual([])
})
