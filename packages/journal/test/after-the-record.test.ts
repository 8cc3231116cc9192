import { channel } from 'node:diagnostics_channel'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { NearAndPacks } from './near-and-packs.ts'
import { openOn, type Opened } from './open-on.ts'

const each = forEachBackend(test, { seeds: 2 })

each('a snapshot that is in the log is answered, also when no segment can be dropped then', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk, { keepCheckpoints: 1 })
  const { journal } = opened
  for (let nth = 0; nth < 70; nth += 1)
    await journal.mkdir(`/${'n'.repeat(1000)}/${nth}${'n'.repeat(1000)}`, { parents: true })
  const told: unknown[] = []
  const listen = (message: unknown) => void told.push(message)
  const checkpoints = channel('journal:checkpoint')
  checkpoints.subscribe(listen)
  try {
    disk.failAt('unlink', 1)
    expect(await journal.snapshot('one')).toMatchObject({ name: 'one', sequence: 70 })
  } finally {
    checkpoints.unsubscribe(listen)
  }
  expect(journal.snapshots().map(({ name }) => name)).toEqual(['one'])
  expect(told).toMatchObject([{ sequence: 70 }, { code: 'JOURNAL_FAILED' }])
  const { logBytes } = journal.stats()
  await journal.mkdir('/more')
  await journal.checkpoint()
  expect(journal.stats().logBytes).toBeLessThan(logBytes)
})

each(
  'a checkpoint that ends while the journal is closed is answered, or told that it is closed',
  async () => {
    for (let operations = 1; operations < 12; operations += 1) {
      const disk = simDisk({ seed: 1, faults: { latencyMs: 1 } })
      let opened: Opened | undefined
      opened = await openOn(disk, { tiers: new NearAndPacks(() => opened!.blocks) })
      const { journal } = opened
      await journal.mkdir('/a/b', { parents: true })
      await journal.pinToTier('/a', 'near')
      const made = journal.checkpoint().catch((error: unknown) => error)
      for (let nth = 0; nth < operations; nth += 1) await disk.stat('/blocks')
      await opened[Symbol.asyncDispose]()
      const outcome = await made
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'JOURNAL_CLOSED' })
    }
  },
)

each('whoever writes when the block store is closed is told so by the journal', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal, blocks } = opened
  await blocks.close()
  await expect(journal.write('/f', Buffer.from('f'))).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
})
