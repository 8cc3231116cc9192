import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })

/** A disk with a journal of three changes. */
async function written(): Promise<SimDisk> {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  for (const name of ['/a', '/b', '/c']) await opened.journal.write(name, Buffer.from(name))
  return disk
}

/** Writes over a part of the first segment of the log. */
async function overwrite(disk: SimDisk, at: number, bytes: Uint8Array): Promise<void> {
  const [first] = (await disk.list('/journal')).filter(({ name }) => name.endsWith('.wal'))
  const file = await disk.open(`/journal/${first!.name}`, 'write')
  await file.write([bytes], at)
  await file.close()
}

each('a log that has lost all of its records is no empty tree, however often it is opened', async () => {
  const disk = await written()
  await overwrite(disk, 0, Buffer.alloc(65_536, 0xa5))
  for (let times = 0; times < 3; times += 1)
    await expect(openOn(disk)).rejects.toMatchObject({ name: 'JournalError', code: 'JOURNAL_DAMAGED' })
})

each('a log that has lost the head of its segment alone has all changes', async () => {
  const disk = await written()
  await overwrite(disk, 0, Buffer.from('damage'))
  await using opened = await openOn(disk)
  const { journal } = opened
  expect((await treeOf(journal)).size).toBe(3)
  expect(journal.recovery.findings).toMatchObject([{ kind: 'header' }])
  expect(journal.health()).toMatchObject({ state: 'healthy', alerts: [] })
})

each('a record that is lost is an alert until a checkpoint is made and the journal opened anew', async () => {
  const disk = await written()
  await overwrite(disk, 64, Buffer.alloc(20, 0xa5))
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    expect(journal.recovery).toMatchObject({ changes: 0, dropped: 2, findings: [{ kind: 'damage' }] })
    const { state, alerts } = journal.health()
    expect([state, alerts.map(({ alert }) => alert)]).toEqual(['degraded', ['log-damaged']])
    await journal.mkdir('/new')
    await journal.checkpoint()
  }
  await using again = await openOn(disk)
  expect(again.journal.health()).toMatchObject({ state: 'healthy', alerts: [] })
})
