import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { sleep } from '@ipfs-kit/concurrency'
import { simDisk } from '@ipfs-kit/disk'
import { openJournal } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'

const each = forEachBackend(test, { seeds: 10 })

each('who waits for a recovery is told that the journal was closed', async () => {
  const disk = simDisk({ seed: 1, faults: { latencyMs: 1 } })
  await using opened = await openOn(disk)
  const { journal } = opened
  await journal.mkdir('/d')
  disk.failAt('write', 1, 'ENOSPC')
  await expect(journal.rm('/d')).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  const looks = [journal.stat('/d'), journal.mkdir('/e'), journal.checkpoint()]
  const closed = journal.close()
  for (const outcome of await Promise.allSettled(looks)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'JOURNAL_CLOSED' } })
  }
  await closed
})

each('a close while changes and a checkpoint are under way leaves what was answered', async () => {
  const disk = simDisk({ seed: 1, faults: { latencyMs: 1 } })
  const names = ['a', 'b', 'c', 'd']
  let answered: string[]
  {
    await using opened = await openOn(disk, { checkpointChanges: 2 })
    const { journal } = opened
    const calls = names.map(async (name) => {
      await journal.write(`/${name}/f`, Buffer.from(name), { parents: true })
      return name
    })
    const written = journal.checkpoint()
    await calls[0]
    await journal.close()
    const outcomes = await Promise.allSettled(calls)
    answered = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []))
    expect(codes.every((code) => code === 'JOURNAL_CLOSED')).toBe(true)
    const [checkpoint] = await Promise.allSettled([written])
    if (checkpoint.status === 'rejected') expect(checkpoint.reason).toMatchObject({ code: 'JOURNAL_CLOSED' })
  }
  await using again = await openOn(disk)
  const { entries } = await again.journal.ls('/')
  expect(entries.map(({ name }) => name)).toEqual(expect.arrayContaining(answered))
})

each('what looks at folders, and a checkpoint of many, are told of the close by the journal', async () => {
  const disk = simDisk({ seed: 1, faults: { latencyMs: 1 } })
  await using opened = await openOn(disk)
  const { journal } = opened
  for (let at = 0; at < 20; at += 1) await journal.mkdir(`/${at}/in`, { parents: true })
  await journal.checkpoint()
  for (let at = 0; at < 20; at += 1) await journal.mkdir(`/${at}/more`)
  const codeOf = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => 'OK',
      (error: { readonly code?: unknown }) => error.code ?? error,
    )
  const calls = [codeOf(journal.checkpoint())]
  await sleep(3)
  const closed = journal.close()
  for (let at = 0; at < 20; at += 1) {
    for (const call of [journal.stat(`/${at}/in`), journal.ls(`/${at}`), journal.checkpoint()])
      calls.push(codeOf(call))
    await sleep(1)
  }
  await closed
  expect(['OK', 'JOURNAL_CLOSED']).toEqual(expect.arrayContaining(await Promise.all(calls)))
  expect(await codeOf(journal.ls('/'))).toBe('JOURNAL_CLOSED')
})

each('a checkpoint beside changes that fails is told by the stats, whatever has failed', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { blocks } = opened
  const failure = new Error('the disk is gone')
  let fails = true
  await using journal = await openJournal({
    path: '/other',
    disk,
    blocks: {
      get: (cid, options) => blocks.get(cid, options),
      noteRetained: (roots) => {
        blocks.noteRetained(roots)
      },
      lease(options) {
        if (fails) throw failure
        return blocks.lease(options)
      },
    },
    checkpointChanges: 1,
  })
  await journal.mkdir('/a')
  while (journal.stats().checkpointFailure === undefined) await sleep(1)
  expect(journal.stats().checkpointFailure).toBe(failure)
  fails = false
  await journal.checkpoint()
  expect(journal.stats().checkpointFailure).toBeUndefined()
})
