import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '@ipfs-kit/concurrency'
import { openWal, type LoggedOperation, type OperationFilter, type Wal } from '@ipfs-kit/wal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOperationStore } from '../src/store/open-operation-store.ts'
import type { WalRecord } from '../src/store/record.ts'
import { soak } from './crash/amount.ts'
import { handler } from './wal-on.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(home, { recursive: true }))

/** In the soak 100,000. */
const stalled = soak > 1 ? 100_000 : 5000

/** A log whose process has died while it was running so many operations; each of so many fails by that. */
async function stall(path: string, failsEach = Infinity): Promise<void> {
  await using store = await openOperationStore({ path })
  const add: WalRecord = {
    kind: 'add',
    type: 'pin',
    params: {},
    priority: 5,
    after: [],
    timeoutMs: 60_000,
    maxAttempts: 5,
    onInterrupted: 'retry',
    cids: [],
    createdAt: Date.now(),
  }
  for (let at = 0; at < stalled; at += 1000) {
    const ids = await store.append(
      Array.from({ length: 1000 }, (_, nth): WalRecord => {
        return nth % failsEach === failsEach - 1 ? { ...add, type: 'upload', onInterrupted: 'fail' } : add
      }),
    )
    await store.append(ids.map((id) => ({ kind: 'start', at: Date.now(), id, epoch: store.epoch })))
  }
}

test(
  'new work goes on while operations are recovered that a process has left running',
  { timeout: 300_000 * soak },
  async () => {
    const path = join(home, 'operations')
    await stall(path)
    let recovered = 0
    const pin = handler(({ isNew }: { isNew?: boolean }) => {
      if (isNew !== true) recovered += 1
      return isNew === true ? 'new' : 'recovered'
    })
    await using wal = await openWal({ path, types: { pin } })
    expect(wal.stats().unfinished).toBe(stalled)
    const { operation } = await wal.append({ type: 'pin', params: { isNew: true } })
    expect(await wal.wait(operation.id)).toMatchObject({ result: 'new', attemptCount: 1 })
    // It did not wait for them.
    expect(recovered).toBeLessThan(stalled / 2)
    const other = await wal.append({ type: 'pin', params: { isNew: true }, backend: 's3' })
    await wal.wait(other.operation.id)
    const first = await wal.list({ states: ['completed'], limit: 1 })
    expect(first.operations).toHaveLength(1)
    while (wal.stats().unfinished > 0) await sleep(20)
    expect(recovered).toBe(stalled)
    const { operations } = await wal.list({ before: operation.id, limit: 1 })
    expect(operations[0]!.attempts.map(({ outcome }) => outcome)).toEqual(['interrupted', 'completed'])
  },
)

test(
  'what a process has left running is listed, counted and followed as it will be, from the moment of opening on',
  { timeout: 300_000 * soak },
  async () => {
    const path = join(home, 'shown')
    const failing = stalled / 5
    await stall(path, 5)
    await using wal = await openWal({ path, types: {}, executor: 'off' })
    const expected = [
      { state: 'failed', type: 'upload', backend: '', operations: failing },
      { state: 'retrying', type: 'pin', backend: '', operations: stalled - failing },
    ]
    let moments = 0
    for (let left = Infinity; left > 0; left = wal.stats().index.recovering) {
      const { operations, unfinished, index } = wal.stats()
      const isRecovering = index.recovering > 0
      expect(operations.toSorted((a, b) => (a.state < b.state ? -1 : 1))).toEqual(expected)
      expect([unfinished, index.unfinished]).toEqual([stalled - failing, stalled - failing])
      expect((await wal.list({ states: ['running'] })).operations).toEqual([])
      const [newest] = (await wal.list({ states: ['failed'], limit: 1 })).operations
      expect(newest).toMatchObject({ state: 'failed', failure: { code: 'WAL_INTERRUPTED' } })
      expect(await wal.get(newest!.id)).toEqual(newest)
      expect(await wal.wait(newest!.id)).toEqual(newest)
      if (isRecovering) moments += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(moments).toBeGreaterThan(1)
  },
)

test(
  'what an opening has interrupted is told to whoever follows, listed and removed while it is recovered',
  { timeout: 300_000 * soak },
  async () => {
    const path = join(home, 'followed')
    const failing = stalled / 5
    await stall(path, 5)
    await using wal = await openWal({ path, types: {}, executor: 'off' })
    expect(wal.stats().index.recovering).toBeGreaterThan(0)
    const told = new Map<number, string>()
    for await (const change of wal.follow({ from: 1 })) {
      if (!('operation' in change)) throw new Error('missed')
      expect(told.has(change.operation.id)).toBe(false)
      told.set(change.operation.id, change.operation.state)
      if (told.size === stalled) break
    }
    expect([...told.values()].filter((state) => state === 'failed')).toHaveLength(failing)

    const other = join(home, 'removed')
    await stall(other, 5)
    await using again = await openWal({ path: other, types: {}, executor: 'off' })
    expect(again.stats().index.recovering).toBeGreaterThan(0)
    expect(await allOf(again, { states: ['failed'] })).toHaveLength(failing)
    expect(await again.deleteFinished()).toBe(failing)
    expect(await allOf(again, { states: ['retrying'] })).toHaveLength(stalled - failing)
  },
)

async function allOf(wal: Wal, filter: OperationFilter): Promise<LoggedOperation[]> {
  const all: LoggedOperation[] = []
  for (let before: number | undefined; ;) {
    const { operations, next } = await wal.list({ ...filter, limit: 1000, ...(before && { before }) })
    all.push(...operations)
    if (next === undefined) return all
    before = next
  }
}
