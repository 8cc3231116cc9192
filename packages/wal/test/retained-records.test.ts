/** Retention meets records that are in the log and not in the index yet. */
import { moveOnAfter, random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { openLagging } from './operations/lagging-store.ts'
import { errorOf, handler, someDisk } from './wal-on.ts'

const onBoth = forEachBackend(test, { seeds: 300 * soak })
const failing = () => {
  throw Object.assign(new Error('no'), { kind: 'invalid' })
}

/** Takes away all that has ended but for the last of them. */
const retention = { keysBefore: 0, finishedBefore: 0, keepFinished: 1 }

onBoth(
  'what is queued again is there until it has ended, whatever retention takes away meanwhile',
  async () => {
    const disk = someDisk()
    const queued: number[] = []
    {
      await using wal = await openLagging(5)({ types: { pin: handler(failing) } }, disk)
      const all = await wal.appendMany(
        Array.from({ length: 8 }, () => ({ type: 'pin' as const, params: {} })),
      )
      for (const { operation } of all) await wal.wait(operation.id)
    }
    {
      const types = { pin: handler(failing) }
      await using wal = await openLagging(5, retention)({ types, executor: 'off' }, disk)
      const { operations } = await wal.list()
      await taskGroup(async (group) => {
        // The oldest go first.
        for (const { id } of operations.toReversed()) {
          group.spawn(async () => {
            await sleep(random() * 10)
            const isThere = await wal.retry(id).then(
              () => true,
              (error: { code: string }) => {
                expect(error.code).toBe('WAL_NOT_FOUND')
                return false
              },
            )
            if (isThere) queued.push(id)
            else expect(await wal.get(id)).toBeUndefined()
          })
        }
      })
      for (const id of queued) expect(await wal.get(id), `operation ${id}`).toMatchObject({ state: 'queued' })
    }
    const ran: number[] = []
    const run = (_: unknown, { operation }: { operation: { id: number } }) => void ran.push(operation.id)
    await using wal = await openLagging(5)({ types: { pin: handler(run) } }, disk)
    for (const id of queued) await wal.wait(id)
    expect(new Set(ran)).toEqual(new Set(queued))
  },
)

onBoth('what waits for one that fails does not begin when retention takes that away', async () => {
  const ran: unknown[] = []
  const types = {
    pin: handler(async () => {
      await sleep(random() * 4)
      failing()
    }),
    copy: handler(({ n }) => void ran.push(n)),
  }
  // What is written takes a while, in which the one that is waited for may fail.
  const disk = simDisk({ seed: Math.floor(random() * 2 ** 31), faults: { latencyMs: 2 } })
  await using wal = await openLagging(5, { ...retention, keepFinished: 0 })({ types }, disk)
  const waiting: number[] = []
  for (let n = 0; n < 8; n += 1) {
    const { operation: first } = await wal.append({ type: 'pin', params: {} })
    await sleep(random() * 4)
    const second = wal.append({ type: 'copy', params: { n }, after: [first.id] })
    try {
      waiting.push((await second).operation.id)
    } catch (error) {
      expect((await errorOf(Promise.reject(error))).code).toBe('WAL_DEPENDENCY')
    }
  }
  // Sooner than the executor looks at everything.
  const isOver = await moveOnAfter(20_000, async () => {
    for (const id of waiting) {
      const ended = await wal.wait(id).catch((error: { code: string }) => error)
      if (!('state' in ended)) expect(ended.code).toBe('WAL_NOT_FOUND')
    }
    return true
  })
  expect(isOver).toBe(true)
  expect(ran).toEqual([])
  expect(wal.stats().failed).toBe(8 + waiting.length)
})
