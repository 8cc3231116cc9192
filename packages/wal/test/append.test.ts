import { cancelScope, createEvent, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { openWal, type NewOperation } from '@ipfs-kit/wal'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { errorOf, handler, openOps, someDisk, wallClock } from './wal-on.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const types = { pin: handler(() => 'done'), 'custom:never': handler(() => sleep(Infinity)) }

describe('what is refused', () => {
  onBoth('a type without a handler, and parameters that are not of its schema', async () => {
    const strict = { params: z.strictObject({ cid: z.string() }), run: () => undefined }
    await using wal = await openOps({ types: { pin: strict } })
    expect(await errorOf(wal.append({ type: 'unpin', params: {} }))).toMatchObject({
      code: 'WAL_TYPE_UNKNOWN',
      message: expect.stringContaining('pin'),
    })
    expect(await errorOf(wal.append({ type: 'toString' as never, params: {} }))).toMatchObject({
      code: 'WAL_TYPE_UNKNOWN',
    })
    for (const params of [{}, { cid: 5 }, { cid: 'a', more: 1 }, undefined, null, 'cid', []]) {
      expect(await errorOf(wal.append({ type: 'pin', params }))).toMatchObject({ code: 'WAL_PARAMS_INVALID' })
    }
    expect((await errorOf(wal.append({ type: 'pin', params: { cid: 5, more: 1 } }))).message).toBe(
      'The parameters do not fit: cid: Invalid input: expected string, received number; Unrecognized key: "more"',
    )
    expect(wal.stats().unfinished).toBe(0)
  })

  onBoth('parameters that are not JSON, or too large', async () => {
    await using wal = await openOps({ types, maxParamsBytes: 1000 })
    const circle: { self?: unknown } = {}
    circle.self = circle
    const wrongs = [
      { a: NaN },
      { a: 5n },
      { a: new Date() },
      { a: () => 1 },
      circle,
      { a: [undefined] },
      { a: new Map() },
    ]
    for (const params of wrongs) {
      expect(await errorOf(wal.append({ type: 'pin', params }))).toMatchObject({ code: 'WAL_PARAMS_INVALID' })
    }
    const large = await errorOf(wal.append({ type: 'pin', params: { a: 'x'.repeat(1000) } }))
    expect(large).toMatchObject({ code: 'WAL_PARAMS_INVALID', message: expect.stringContaining('CID') })
    const { operation } = await wal.append({ type: 'pin', params: { a: undefined, b: [null, { c: 1 }] } })
    expect(operation.params).toEqual({ b: [null, { c: 1 }] })
  })

  onBoth('options that are wrong, with the name that was meant', async () => {
    await using wal = await openOps({ types })
    const wrongs: object[] = [
      { priority: 10 },
      { priority: -1 },
      { priority: NaN },
      { priority: 1.5 },
      { notBefore: -1 },
      { notBefore: NaN },
      { expiresAt: Infinity },
      { timeoutMs: 0 },
      { timeoutMs: -5 },
      { maxAttempts: 0 },
      { maxAttempts: 101 },
      { after: [0] },
      { after: [-1] },
      { afterInBatch: [0] },
      { afterInBatch: [-1] },
      { key: '' },
      { key: 'x'.repeat(201) },
      { backend: '' },
      { cids: [''] },
      { after: Array.from({ length: 1001 }, () => 1) },
    ]
    for (const wrong of wrongs) {
      const promise = wal.append({ type: 'pin', params: {}, ...wrong })
      await expect(promise, JSON.stringify(wrong)).rejects.toThrow(RangeError)
    }
    for (const list of ['after', 'afterInBatch', 'cids']) {
      const promise = wal.append({ type: 'pin', params: {}, [list]: [undefined] })
      await expect(promise, list).rejects.toThrow(TypeError)
    }
    const typo = wal.append({ type: 'pin', params: {}, prioritty: 3 } as NewOperation)
    await expect(typo).rejects.toThrow(/did you mean priority/)
    await expect(wal.append({ type: 'pin', params: {} }, { timeout: 5 } as never)).rejects.toThrow(TypeError)
    await expect(wal.append(null as never)).rejects.toThrow(TypeError)
    await expect(wal.appendMany({} as never)).rejects.toThrow(TypeError)
    await expect(wal.list({ states: ['gone'] as never })).rejects.toThrow(/queued/)
    await expect(wal.list({ limit: 0 })).rejects.toThrow(RangeError)
    await expect(wal.get(0)).rejects.toThrow(RangeError)
    expect(await wal.appendMany([])).toEqual([])
    expect(wal.stats().log.nextLsn).toBe(2)
  })

  test('options of openWal that are wrong', async () => {
    const open = (options: object) => openWal({ path: '/log', disk: someDisk(), types, ...options })
    for (const wrong of [
      { concurrency: 0 },
      { laneLimit: NaN },
      { windowSize: 1 },
      { retryBaseMs: -1 },
      { retryBaseMs: 10, retryMaxMs: 5 },
      { drainMs: -1 },
      { maxParamsBytes: 1 },
      { maxFollowed: 0 },
      { backends: { s3: { limit: 0 } } },
      { backends: { s3: { degradedAfter: 5, offlineAfter: 2 } } },
      { types: { pin: handler(() => 1, { maxAttempts: 101 }) } },
    ]) {
      await expect(open(wrong), JSON.stringify(wrong)).rejects.toThrow(RangeError)
    }
    for (const wrong of [
      { concurency: 3 },
      { types: { pn: handler(() => 1) } },
      { types: { pin: {} } },
      { types: { pin: { run() {}, params: 5 } } },
      { types: null },
      { backends: { s3: { prob: 1 } } },
      { backends: { s3: { probe: 1 } } },
      { executor: false },
      { clock: 5 },
    ]) {
      await expect(open(wrong), JSON.stringify(wrong)).rejects.toThrow(TypeError)
    }
    await expect(open({ concurency: 3 })).rejects.toThrow(/did you mean concurrency/)
  })

  onBoth('more unfinished operations than there may be', async () => {
    await using wal = await openOps({ types, maxUnfinished: 2, drainMs: 0 })
    const never = { type: 'custom:never', params: {} } as const
    const [first] = await wal.appendMany([never, never])
    expect(await errorOf(wal.append(never))).toMatchObject({ code: 'WAL_BUSY', kind: 'temporary' })
    await wal.cancel(first!.operation.id)
    expect((await wal.append(never)).isNew).toBe(true)
  })
})

onBoth('what is refused since unfinished operations take too many bytes stops nothing', async () => {
  await using wal = await openOps({ types, maxUnfinishedBytes: 65_536, executor: 'off' })
  const large: NewOperation = { type: 'pin', params: { a: 'x'.repeat(20_000) } }
  const ids: number[] = []
  const error = await errorOf(
    (async () => {
      for (let at = 0; at < 20; at += 1) ids.push((await wal.append(large)).operation.id)
    })(),
  )
  expect(error).toMatchObject({ code: 'WAL_BUSY' })
  expect(wal.stats().stopped).toBeUndefined()
  for (const id of ids) await wal.cancel(id)
  expect((await wal.append(large)).isNew).toBe(true)
})

describe('of operations that are appended at the same time', () => {
  const sized = (length: number): NewOperation => ({ type: 'pin', params: { a: 'x'.repeat(length) } })

  onBoth('only those are refused that there is no room for', async () => {
    await using wal = await openOps({ types, maxUnfinishedBytes: 65_536, executor: 'off' })
    const { operation } = await wal.append(sized(20_000))
    const refused = errorOf(wal.append(sized(60_000)))
    const others = [1, 2, 3].map((length) => wal.append(sized(length)))
    const cancelled = wal.cancel(operation.id)
    expect(await refused).toMatchObject({ code: 'WAL_BUSY' })
    const ids = (await Promise.all(others)).map((appended) => appended.operation.id)
    for (const id of ids) expect(await wal.get(id)).toMatchObject({ state: 'queued' })
    expect(await cancelled).toMatchObject({ state: 'cancelled' })
  })

  onBoth('more than fit into a segment are all taken', async () => {
    const disk = someDisk()
    const wal = await openOps({ types, executor: 'off', segmentBytes: 65_536 }, disk)
    const appended = await Promise.all(Array.from({ length: 20 }, () => wal.append(sized(20_000))))
    const ids = appended.map(({ operation }) => operation.id)
    expect(new Set(ids).size).toBe(20)
    await wal.close()
    await using again = await openOps({ types, executor: 'off', segmentBytes: 65_536 }, disk)
    for (const id of ids) expect(await again.get(id)).toMatchObject({ id, state: 'queued' })
  })
})

describe('an idempotency key', () => {
  onBoth(
    'makes one operation of all that are appended with it, also at once and after an opening',
    async () => {
      const disk = someDisk()
      const asked: NewOperation = { type: 'pin', params: { a: 1, b: 2 }, key: 'k' }
      let id: number
      {
        await using wal = await openOps({ types }, disk)
        const all = await Promise.all([
          wal.append(asked),
          wal.append({ ...asked, params: { b: 2, a: 1 } }),
          wal.append(asked),
        ])
        id = all[0].operation.id
        expect(all.map(({ operation }) => operation.id)).toEqual([id, id, id])
        expect(all.filter(({ isNew }) => isNew)).toHaveLength(1)
        const [one, two] = await wal.appendMany([
          { ...asked, key: 'm' },
          { ...asked, key: 'm' },
        ])
        expect(two!.operation.id).toBe(one!.operation.id)
        for (const other of [{ params: { a: 2 } }, { type: 'custom:never' as const }, { backend: 's3' }]) {
          const conflict = await errorOf(wal.append({ ...asked, ...other }))
          expect(conflict).toMatchObject({ code: 'WAL_KEY_CONFLICT', kind: 'conflict' })
        }
      }
      await using wal = await openOps({ types }, disk)
      expect(await wal.append(asked)).toMatchObject({ isNew: false, operation: { id } })
    },
  )

  onBoth('stands for one operation also when a caller has left, and holds nobody up', async () => {
    await using wal = await openOps({ types })
    const asked: NewOperation = { type: 'pin', params: {}, key: 'k' }
    await cancelScope(async (scope) => {
      const left = wal.append(asked)
      scope.cancel()
      await left
    })
    const [a, b] = await Promise.all([wal.append(asked), wal.append(asked)])
    expect(a.operation.id).toBe(b.operation.id)
    expect((await wal.list()).operations).toHaveLength(1)
  })
})

describe('dependencies', () => {
  onBoth('begin one after the other, also within a batch', async () => {
    const order: string[] = []
    const mayEnd = createEvent()
    const run = async ({ name }: { name: string }): Promise<void> => {
      await mayEnd.wait()
      await sleep(3)
      order.push(name)
    }
    await using wal = await openOps({ types: { copy: handler(run) } })
    const [a, b, c] = await wal.appendMany([
      { type: 'copy', params: { name: 'a' }, priority: 0 },
      { type: 'copy', params: { name: 'b' }, afterInBatch: [0], priority: 9 },
      { type: 'copy', params: { name: 'c' }, afterInBatch: [0, 1], priority: 9 },
    ])
    const d = await wal.append({
      type: 'copy',
      params: { name: 'd' },
      after: [c!.operation.id, a!.operation.id],
    })
    expect([a, b, c, d].map((one) => one!.operation.waitingFor)).toEqual([0, 1, 2, 2])
    mayEnd.set()
    expect(await wal.wait(d.operation.id)).toMatchObject({ state: 'completed', waitingFor: 0 })
    expect(order).toEqual(['a', 'b', 'c', 'd'])
    const late = await wal.append({ type: 'copy', params: { name: 'e' }, after: [d.operation.id] })
    expect(await wal.wait(late.operation.id)).toMatchObject({ state: 'completed' })
  })

  onBoth('that fail break those behind them; none is accepted that is not there or has failed', async () => {
    const run = (): never => {
      throw Object.assign(new Error('no'), { kind: 'invalid' })
    }
    await using wal = await openOps({ types: { copy: handler(run), pin: handler(() => 1) } })
    const [a, b, c] = await wal.appendMany([
      { type: 'copy', params: {} },
      { type: 'pin', params: {}, afterInBatch: [0] },
      { type: 'pin', params: {}, afterInBatch: [1] },
    ])
    expect(await wal.wait(b!.operation.id)).toMatchObject({
      state: 'failed',
      brokenBy: a!.operation.id,
      attemptCount: 0,
      failure: { code: 'WAL_BROKEN' },
    })
    expect(await wal.wait(c!.operation.id)).toMatchObject({ state: 'failed', brokenBy: b!.operation.id })
    for (const after of [a!.operation.id, 999]) {
      expect(await errorOf(wal.append({ type: 'pin', params: {}, after: [after] }))).toMatchObject({
        code: 'WAL_DEPENDENCY',
      })
    }
    await wal.retry(b!.operation.id)
    expect(await wal.wait(b!.operation.id)).toMatchObject({ state: 'completed' })
  })

  onBoth('of one that was retried before they ended count no more', async () => {
    const mayEnd = createEvent()
    await using wal = await openOps({ types: { copy: handler(() => mayEnd.wait()) } })
    const [slow, behind] = await wal.appendMany([
      { type: 'copy', params: {} },
      {
        type: 'copy',
        params: {},
        afterInBatch: [0],
        backend: 'closed',
        notBefore: wallClock() + 60_000,
      },
    ])
    const { id } = behind!.operation
    await wal.cancel(id)
    await wal.retry(id)
    await wal.pause(id)
    mayEnd.set()
    await wal.wait(slow!.operation.id)
    await wal.resume(id)
    expect(await wal.wait(id)).toMatchObject({ state: 'completed', waitingFor: 0 })
  })
})
