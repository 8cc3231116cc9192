import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '@ipfs-kit/concurrency'
import { openWal } from '@ipfs-kit/wal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOperationStore } from '../src/open-operation-store.ts'
import type { WalRecord } from '../src/record.ts'
import { soak } from './crash/amount.ts'
import { handler } from './wal-on.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(home, { recursive: true }))

/** In the soak 100,000. */
const stalled = soak > 1 ? 100_000 : 5000

/** A log whose process has died while it was running so many operations. */
async function stall(path: string, onInterrupted: 'retry' | 'fail'): Promise<void> {
  await using store = await openOperationStore({ path })
  const add: WalRecord = {
    kind: 'add',
    type: 'pin',
    params: {},
    priority: 5,
    after: [],
    timeoutMs: 60_000,
    maxAttempts: 5,
    onInterrupted,
    cids: [],
    createdAt: Date.now(),
  }
  for (let at = 0; at < stalled; at += 1000) {
    const ids = await store.append(Array.from({ length: 1000 }, () => add))
    await store.append(ids.map((id) => ({ kind: 'start', at: Date.now(), id, epoch: store.epoch })))
  }
}

test(
  'new work goes on while operations are recovered that a process has left running',
  { timeout: 120_000 * soak },
  async () => {
    const path = join(home, 'operations')
    await stall(path, 'retry')
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
  'operations that fail by the end of their process are told, and counted as ended, once they are recovered',
  { timeout: 120_000 * soak },
  async () => {
    const path = join(home, 'failing')
    await stall(path, 'fail')
    await using wal = await openWal({ path, types: { pin: handler(() => 1) } })
    const failed = new Set<number>()
    for await (const change of wal.follow({ from: 1, states: ['failed'] })) {
      if ('operation' in change) failed.add(change.operation.id)
      if (failed.size === stalled) break
    }
    expect(wal.stats()).toMatchObject({ unfinished: 0, index: { unfinished: 0 } })
  },
)
