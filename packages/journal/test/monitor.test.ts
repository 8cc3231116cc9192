import diagnosticsChannel from 'node:diagnostics_channel'
import { backendStats, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { type Alert, type AlertThresholds, openJournal } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'

const each = forEachBackend(test, { seeds: 10 })
const timed = forEachBackend(test, { seeds: 10, only: 'sim' })
const hourMs = 3_600_000

/** What is told of alerts from now on, until it is disposed of. */
function listen() {
  const told: string[] = []
  const messages: string[] = []
  const onMessage = (message: unknown): void => {
    const { state, alert, message: sentence } = message as Alert & { readonly state: string }
    told.push(`${state} ${alert}`)
    messages.push(sentence)
  }
  diagnosticsChannel.subscribe('journal:alert', onMessage)
  return {
    told,
    messages,
    [Symbol.dispose]: () => void diagnosticsChannel.unsubscribe('journal:alert', onMessage),
  }
}

each('a journal that is well is healthy, and tells its numbers', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal } = opened
  expect(journal.health()).toMatchObject({
    state: 'healthy',
    alerts: [],
    figures: { changes: 0, treeBytes: 0 },
  })
  await journal.write('/a/x', Buffer.alloc(5000), { parents: true })
  await journal.write('/a/y', Buffer.from('y'))
  const transaction = journal.begin()
  expect(journal.health().figures).toMatchObject({
    changes: 2,
    changesWithinHour: 2,
    changesSinceCheckpoint: 2,
    memoryEntries: 3,
    openTransactions: 1,
    treeBytes: 0,
    failureShare: 0,
    slowChangeShare: 0,
  })
  await transaction.rollback()
  await journal.checkpoint()
  const { figures } = journal.health()
  expect(figures).toMatchObject({ changesSinceCheckpoint: 0, checkpointAgeMs: 0, openTransactions: 0 })
  const { dagBytes } = await journal.stat('/')
  expect(figures.treeBytes).toBe(dagBytes)
  expect(figures.treeGrowthBytes).toBe(dagBytes)
  expect(figures.logBytes).toBe(journal.stats().logBytes)
  await journal.close()
  expect(journal.health()).toMatchObject({ state: 'stopped', figures: { changes: 2 } })
})

timed('changes that wait for a checkpoint for too long are an alert until there is one, once', async () => {
  const disk = simDisk({ seed: 1 })
  const alerts: AlertThresholds = { maxCheckpointAgeMs: 100_000, settleMs: 30_000 }
  using heard = listen()
  {
    await using opened = await openOn(disk, { alerts })
    const { journal } = opened
    await sleep(hourMs)
    await journal.mkdir('/a')
    await sleep(99_000)
    await journal.mkdir('/b')
    expect(heard.told).toEqual([])
    await sleep(2000)
    expect(heard.told).toEqual(['raised checkpoint-age'])
    expect(journal.health()).toMatchObject({
      state: 'degraded',
      alerts: [{ alert: 'checkpoint-age', threshold: 100_000, message: expect.stringContaining('101 s') }],
    })
    await journal.checkpoint()
    await journal.mkdir('/c')
    await sleep(29_000)
    expect(heard.told).toEqual(['raised checkpoint-age'])
    await sleep(3000)
    expect(heard.told).toEqual(['raised checkpoint-age', 'cleared checkpoint-age'])
    expect(journal.health().state).toBe('healthy')
  }
  // What the opening has done again waits since the opening.
  await using again = await openOn(disk, { alerts })
  await sleep(99_000)
  expect(again.journal.health().figures.checkpointAgeMs).toBeGreaterThan(98_000)
  expect(heard.told).toHaveLength(2)
  await sleep(2000)
  expect(heard.told.at(-1)).toBe('raised checkpoint-age')
})

timed('a change while a checkpoint is written waits since then', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal } = opened
  await journal.mkdir('/a')
  await sleep(50_000)
  disk.setFaults({ latencyMs: 500 })
  const written = journal.checkpoint()
  await sleep(1)
  await journal.mkdir('/b')
  await written
  const { changesSinceCheckpoint, checkpointAgeMs } = journal.health().figures
  expect(changesSinceCheckpoint).toBe(1)
  expect(checkpointAgeMs).toBeGreaterThan(0)
  expect(checkpointAgeMs).toBeLessThan(49_000)
})

timed('jumps of the clock of the wall are no alert', async () => {
  let jump = 0
  using heard = listen()
  await using opened = await openOn(simDisk({ seed: 1 }), { clock: () => 1_700_000_000_000 + (jump += 1e10) })
  const { journal } = opened
  await using transaction = journal.begin()
  await journal.mkdir('/a')
  jump = -1e15
  await sleep(1000)
  await journal.mkdir('/b')
  expect(transaction.status().openMs).toBeLessThan(60_000)
  expect(journal.health()).toMatchObject({ state: 'healthy' })
  expect(heard.told).toEqual([])
})

timed('a transaction that is open for long is an alert that names it', async () => {
  using heard = listen()
  await using opened = await openOn(simDisk({ seed: 1 }), { alerts: { settleMs: 0 } })
  const { journal } = opened
  const short = journal.begin()
  await sleep(50_000)
  await using long = journal.begin({ name: 'forgotten' })
  await short.rollback()
  await sleep(59_000)
  expect(heard.told).toEqual([])
  await sleep(2000)
  expect(heard.told).toEqual(['raised slow-transactions'])
  expect(heard.messages[0]).toContain(`forgotten (${long.id})`)
  await long.rollback()
  await sleep(1000)
  expect(heard.told).toEqual(['raised slow-transactions', 'cleared slow-transactions'])
})

timed('changes that the disk does not take are an alert; what callers may not do is none', async () => {
  const disk = simDisk({ seed: 1 })
  using heard = listen()
  await using opened = await openOn(disk, { alerts: { settleMs: 0 } })
  const { journal } = opened
  for (let nth = 0; nth < 20; nth += 1) await expect(journal.rm('/none')).rejects.toThrow()
  expect(journal.health().figures.failureShare).toBe(0)
  await journal.mkdir('/a')
  disk.setFaults({ capacityBytes: disk.stats().usedBytes })
  // Blocks that the store has no room for fail before there is a change.
  const fill = async () => {
    for (let nth = 0; nth < 3; nth += 1) {
      await expect(journal.write('/f', Buffer.alloc(1_000_000, nth))).rejects.toMatchObject({
        code: 'JOURNAL_FULL',
      })
    }
  }
  await fill()
  expect(journal.health()).toMatchObject({ state: 'degraded', figures: { failureShare: 0.75 } })
  expect(heard.told).toEqual(['raised failures'])
  disk.setFaults({ capacityBytes: 1024 ** 4 })
  await journal.mkdir('/b')
  // They are forgotten after ten minutes, though nothing happens.
  await sleep(630_000)
  expect(heard.told).toEqual(['raised failures', 'cleared failures'])
})

timed('changes that take long are an alert', async () => {
  const disk = simDisk({ seed: 1 })
  using heard = listen()
  await using opened = await openOn(disk)
  const { journal } = opened
  for (let nth = 0; nth < 50; nth += 1) await journal.mkdir(`/quick${nth}`)
  disk.setFaults({ latencyMs: 60_000 })
  for (let nth = 0; nth < 6; nth += 1) await journal.mkdir(`/slow${nth}`)
  disk.setFaults({ latencyMs: 0 })
  expect(journal.health().figures.slowChangeShare).toBeGreaterThan(0.05)
  expect(heard.told).toContain('raised slow-changes')
})

each('a log that takes nothing any more is stopped', async () => {
  const disk = simDisk({ seed: 1 })
  using heard = listen()
  await using opened = await openOn(disk)
  const { journal } = opened
  await journal.mkdir('/a')
  disk.setFaults({ syncErrors: 1 })
  await expect(journal.mkdir('/b')).rejects.toMatchObject({ code: 'JOURNAL_FAILED' })
  expect(journal.health()).toMatchObject({ state: 'stopped', alerts: [{ alert: 'log-stopped' }] })
  expect(heard.told).toEqual(['raised log-stopped'])
})

timed('a figure that swings around its threshold is one alert', async () => {
  using heard = listen()
  await using opened = await openOn(simDisk({ seed: 1 }), {
    alerts: { maxChangesSinceCheckpoint: 10, settleMs: 20_000 },
  })
  const { journal } = opened
  for (let round = 0; round < 20; round += 1) {
    for (let nth = 0; nth < 11; nth += 1) await journal.mkdir(`/${round}-${nth}`)
    await sleep(2000)
    await journal.checkpoint()
    await sleep(10_000)
  }
  expect(heard.told).toEqual(['raised changes-since-checkpoint'])
  await sleep(20_000)
  expect(heard.told).toEqual(['raised changes-since-checkpoint', 'cleared changes-since-checkpoint'])
})

timed('a tree that grows fast is an alert for as long as that was within an hour', async () => {
  using heard = listen()
  await using opened = await openOn(simDisk({ seed: 1 }), {
    alerts: { maxTreeGrowthBytesPerHour: 100_000 },
  })
  const { journal } = opened
  for (let nth = 0; nth < 5; nth += 1) {
    await journal.write(`/${nth}`, Buffer.alloc(50_000, nth))
    await journal.checkpoint()
    await sleep(hourMs)
  }
  expect(heard.told).toEqual([])
  for (let nth = 5; nth < 8; nth += 1) await journal.write(`/${nth}`, Buffer.alloc(50_000, nth))
  await journal.checkpoint()
  await sleep(1000)
  expect(journal.health().figures.treeGrowthBytes).toBeGreaterThan(150_000)
  expect(heard.told).toEqual(['raised tree-growth'])
  await sleep(hourMs + 180_000)
  expect(heard.told).toEqual(['raised tree-growth', 'cleared tree-growth'])
  expect(journal.health().figures.treeGrowthBytes).toBe(0)
})

timed('a journal in which nothing happens has no timer', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  const { timers } = backendStats()
  await journal.mkdir('/a')
  await journal.begin().rollback()
  await journal.checkpoint()
  await sleep(hourMs)
  expect(backendStats().timers).toBe(timers)
})

test('thresholds that are none are refused', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { blocks } = opened
  const open = async (alerts: object) =>
    await openJournal({ path: '/other', disk: simDisk({ seed: 1 }), blocks, alerts })
  await expect(open({ maxBytes: 1 })).rejects.toThrow(TypeError)
  for (const alerts of [
    { maxLogBytes: 0 },
    { maxFailureShare: 1.1 },
    { slowChangeMs: Number.NaN },
    { settleMs: -1 },
  ]) {
    await expect(open(alerts)).rejects.toThrow(RangeError)
  }
})
