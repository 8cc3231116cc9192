import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'

const each = forEachBackend(test, { seeds: 10 })

each('what looks through trees when the journal is closed ends, and says so', async () => {
  await using opened = await openOn(simDisk({ seed: 1, faults: { latencyMs: 1 } }))
  const { journal } = opened
  for (const name of ['a', 'b', 'c', 'd']) {
    await journal.write(`/${name}/f`, Buffer.from(name), { parents: true })
  }
  await journal.snapshot('s')
  for (const name of ['a', 'b', 'c', 'd']) await journal.write(`/${name}/f`, Buffer.from(`new ${name}`))
  await journal.checkpoint()
  const diff = journal.diff({ snapshot: 's' }, 'live')
  await diff.next()
  const calls = [
    journal.verify().next(),
    journal.recover(),
    journal.history('/a'),
    journal.restore({ snapshot: 's' }),
    journal.snapshot('t'),
    journal.removeSnapshot('s'),
  ]
  await journal.close()
  const outcomes = await Promise.allSettled([...calls, diff.next()])
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'JOURNAL_CLOSED' })
  }
  expect(outcomes.at(-1)).toMatchObject({ status: 'rejected' })
})
