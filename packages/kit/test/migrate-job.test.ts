import { openKit } from '@ipfs-kit/kit'
import { expect, test } from 'vitest'
import { jobOf, jobsOf } from './jobs-of.ts'
import { oldHome } from './old-home.ts'
import { openTemporaryKit } from './open-kit.ts'

const files = Object.fromEntries(
  Array.from({ length: 1200 }, (_, number) => [`${number % 9}/${number}`, `file ${number}`]),
)

test('the move of the blocks of an older version is a job, and the next opening has none', async () => {
  const { home } = await oldHome(files)
  const kit = await openKit({ home, role: 'command' })
  const [job] = await jobsOf(kit)
  expect(job).toMatchObject({ type: 'custom:migrate' })
  expect(await kit.call('jobs.wait', { id: job!.id })).toMatchObject({
    state: 'completed',
    percent: 100,
    failedItems: 0,
  })
  const { migration } = await kit.call('node.status', {})
  expect(migration).toMatchObject({ state: 'done' })
  expect((await kit.call('wal.get', { id: job!.id })).result).toMatchObject({
    state: 'done',
    blocks: migration!.blocks,
  })
  await kit.close()
  const again = await openTemporaryKit({ home })
  expect(await jobsOf(again)).toMatchObject([{ state: 'completed' }])
})

test('the move stops while its job is paused, also over an opening, and goes on when it is resumed', async () => {
  const { home } = await oldHome(files)
  const first = await openKit({ home, role: 'server' })
  const { id } = await jobOf(first, ({ type }) => type === 'custom:migrate')
  expect(await first.call('jobs.pause', { id })).toMatchObject({ paused: true })
  expect(await first.call('node.status', {})).toMatchObject({ migration: { state: 'stopped' } })
  await expect(first.call('repo.gc', {})).rejects.toMatchObject({
    code: 'IPFS_NOT_MIGRATED',
    kind: 'conflict',
  })
  await first.close()
  const kit = await openTemporaryKit({ home, role: 'server' })
  expect(await kit.call('node.status', {})).toMatchObject({ migration: { state: 'stopped', blocks: 0 } })
  expect(await jobOf(kit, ({ type }) => type === 'custom:migrate')).toMatchObject({ id, paused: true })
  await kit.call('jobs.resume', { id })
  expect(await kit.call('jobs.wait', { id })).toMatchObject({ state: 'completed' })
  expect(await kit.call('repo.gc', {})).toMatchObject({ removedBlocks: 0 })
})

test('the move stops when its job is cancelled, and goes on when that is retried, or with the next opening', async () => {
  const { home } = await oldHome(files)
  const first = await openKit({ home, role: 'server' })
  const { id } = await jobOf(first, ({ type }) => type === 'custom:migrate')
  expect(await first.call('jobs.cancel', { id })).toMatchObject({ state: 'cancelled' })
  expect(await first.call('node.status', {})).toMatchObject({ migration: { state: 'stopped' } })
  await first.close()
  const second = await openKit({ home, role: 'server' })
  const next = await jobOf(second, ({ type }) => type === 'custom:migrate')
  expect(next.id).toBeGreaterThan(id)
  expect(await second.call('jobs.cancel', { id: next.id })).toMatchObject({ state: 'cancelled' })
  await second.call('jobs.retry', { id: next.id })
  expect(await second.call('jobs.wait', { id: next.id })).toMatchObject({ state: 'completed' })
  expect(await second.call('node.status', {})).toMatchObject({ migration: { state: 'done' } })
  await second.close()
})

test('the move goes on with the part that has restarted', async () => {
  const { home } = await oldHome(files)
  const kit = await openTemporaryKit({ home })
  const { id } = await jobOf(kit, ({ type }) => type === 'custom:migrate')
  await kit.call('node.restart', { part: 'ipfs' })
  expect(await kit.call('jobs.wait', { id })).toMatchObject({ state: 'completed' })
  expect(await kit.call('repo.gc', {})).toMatchObject({ removedBlocks: 0 })
})
