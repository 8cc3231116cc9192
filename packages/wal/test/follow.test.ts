import { createEvent, random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { HandlerContext, MissedChanges, OperationChange, Wal } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { openLagging } from './operations/lagging-store.ts'
import { errorOf, handler, openOps, someDisk, until } from './wal-on.ts'

const onBoth = forEachBackend(test, { seeds: 15 })

type Followed = OperationChange | MissedChanges

/** Changes from an LSN on, up to the last one that there is: that of an operation, which is among them. */
async function followed(wal: Wal, options: Parameters<Wal['follow']>[0], last: number): Promise<Followed[]> {
  const found: Followed[] = []
  for await (const change of wal.follow(options)) {
    found.push(change)
    if ('operation' in change && change.operation.id === last) break
  }
  return found
}

function states(changes: readonly Followed[]): unknown[] {
  return changes.map((change) =>
    'operation' in change ? [change.operation.id, change.operation.state] : 'missed',
  )
}

onBoth(
  'whoever follows from an LSN sees each operation in its latest state, in the order of LSNs, and resumes behind the last',
  async () => {
    const disk = someDisk()
    const types = { pin: handler(() => 1), copy: handler(() => sleep(Infinity)) }
    const options = { types, drainMs: 0 }
    let ids: number[]
    {
      const wal = await openOps(options, disk)
      const all = await wal.appendMany([
        { type: 'pin', params: {} },
        { type: 'copy', params: {} },
        { type: 'pin', params: {} },
      ])
      ids = all.map(({ operation }) => operation.id)
      await wal.wait(ids[0]!)
      await wal.wait(ids[2]!)
      await until(wal, ids[1]!, 'running')
      const next = disk.kill()
      await wal.close().catch(() => undefined)
      await using again = await openOps(
        { types: { ...types, copy: handler(() => sleep(Infinity)) }, drainMs: 0, executor: 'off' },
        next,
      )
      const last = (await again.append({ type: 'copy', params: {} })).operation.id
      const seen = await followed(again, { from: 1 }, last)
      const lsns = seen.map((change) => ('lsn' in change ? change.lsn : 0))
      expect(lsns).toEqual([...lsns].sort((a, b) => a - b))
      expect(new Set(states(seen.slice(0, -2)).map(String))).toEqual(
        new Set([`${ids[0]},completed`, `${ids[2]},completed`]),
      )
      // What the opening has interrupted is a change of that opening.
      const ofOpening = [[ids[1], 'retrying']]
      const after = [[last, 'queued']]
      expect(states(seen.slice(-2))).toEqual([...ofOpening, ...after])
      expect(states(await followed(again, { from: lsns.at(-2)! + 1 }, last))).toEqual(after)
      expect(states(await followed(again, { from: 1, types: ['copy'] }, last))).toEqual([
        ...ofOpening,
        ...after,
      ])
      expect(states(await followed(again, { from: 1, id: ids[0]! }, ids[0]!))).toEqual([
        [ids[0], 'completed'],
      ])
    }
  },
)

onBoth('nothing is missed between the past and now', async () => {
  // The log takes its time, so that several are acknowledged at once and others come after.
  const disk = simDisk({ seed: Math.floor(random() * 2 ** 31), faults: { latencyMs: 2 } })
  await using wal = await openOps({ types: { pin: handler(() => sleep(1)) } }, disk)
  const done = new Set<number>()
  await taskGroup(async (group) => {
    for (let client = 0; client < 6; client += 1) {
      group.spawn(async () => {
        for (let at = 0; at < 5; at += 1) await wal.append({ type: 'pin', params: {} })
      })
    }
    await sleep(3)
    let last = 0
    for await (const change of wal.follow({ from: 1 })) {
      if (!('operation' in change)) throw new Error('missed')
      expect(change.lsn).toBeGreaterThanOrEqual(last)
      last = change.lsn
      if (change.operation.state === 'completed') done.add(change.operation.id)
      if (done.size === 30) break
    }
  })
  expect(wal.stats().followers).toBe(0)
})

onBoth(
  'who is slower than the changes is told what it missed, and nothing is kept for it without bound',
  async () => {
    await using wal = await openOps({ types: { pin: handler(() => 1) }, maxFollowed: 4, executor: 'off' })
    const changes = wal.follow()
    const first = changes.next()
    await sleep(1)
    const all = await wal.appendMany(Array.from({ length: 20 }, () => ({ type: 'pin', params: {} }) as const))
    const ids = all.map(({ operation }) => operation.id)
    const seen: Followed[] = [(await first).value as Followed]
    for (;;) {
      const last = seen.at(-1)!
      if ('operation' in last && last.operation.id === ids.at(-1)) break
      seen.push((await changes.next()).value as Followed)
    }
    await changes.return()
    const missed = seen.filter((change) => 'missedAfter' in change)
    const told = seen.flatMap((change) => ('operation' in change ? [change.operation.id] : []))
    expect(missed).toHaveLength(1)
    expect(told.slice(-4)).toEqual(ids.slice(-4))
    // What was told and what was missed are all that there was.
    const { missedAfter, missedThrough } = missed[0] as MissedChanges
    for (const id of ids) expect(told.includes(id) || (id > missedAfter && id <= missedThrough)).toBe(true)
  },
)

onBoth('no change is told twice, and none after a later one, while others come', async () => {
  const types = { pin: handler(() => sleep(random() * 4)) }
  await using wal = await openLagging(8)({ types }, someDisk())
  const told: number[] = []
  await taskGroup(async (group) => {
    group.spawn(async () => {
      for (let at = 0; at < 30; at += 1) {
        await wal.append({ type: 'pin', params: {} })
        await sleep(random() * 3)
      }
    })
    await sleep(20)
    const completed = new Set<number>()
    for await (const change of wal.follow({ from: 1 })) {
      if (!('operation' in change)) throw new Error('missed')
      told.push(change.lsn)
      if (change.operation.state === 'completed') completed.add(change.operation.id)
      if (completed.size === 30) break
    }
  })
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
})

onBoth('progress is followed before it is written', async () => {
  const mayEnd = createEvent()
  const run = async (_: unknown, { progress }: HandlerContext) => {
    progress({ stage: 'half', bytes: 5 })
    await mayEnd.wait()
  }
  await using wal = await openOps({ types: { pin: handler(run) }, progressMs: 3_600_000 })
  const found: string[] = []
  await taskGroup(async (group) => {
    group.spawn(async () => {
      for await (const change of wal.follow()) {
        if (!('operation' in change)) continue
        if (change.operation.progress !== undefined) mayEnd.set()
        found.push(change.operation.state)
        if (change.operation.state === 'completed') return
      }
    })
    await sleep(1)
    await wal.append({ type: 'pin', params: {} })
  })
  expect(found.at(-1)).toBe('completed')
})

onBoth('following ends when the log is closed, and is cancelled by its signal', async () => {
  const wal = await openOps({ types: { pin: handler(() => 1) } })
  const abort = new AbortController()
  const reason = new Error('the page was closed')
  const cancelled = errorOf(wal.follow({ signal: abort.signal }).next())
  const changes = wal.follow()
  const next = changes.next()
  await sleep(1)
  abort.abort(reason)
  expect(await cancelled).toBe(reason)
  await wal.close()
  expect(await next).toEqual({ done: true, value: undefined })
  expect(await errorOf(wal.follow().next())).toMatchObject({ code: 'WAL_CLOSED' })
})
