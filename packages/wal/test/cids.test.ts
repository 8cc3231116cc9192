import diagnosticsChannel from 'node:diagnostics_channel'
import { createEvent, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { openLog, type NewOperation } from '@ipfs-kit/wal'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { cidOf } from './cid-of.ts'
import { callerOf, servedWal } from './served-wal.ts'
import { errorOf, handler, openOps, someDisk, until, wallClock } from './wal-on.ts'

const both = forEachBackend(test, { seeds: 20 })
const [a, b, c] = [cidOf('a'), cidOf('b'), cidOf('c')]
const tomorrow = (): number => wallClock() + 86_400_000
/** A type whose parameters name a CID. */
const copy = {
  params: z.strictObject({ cid: z.string(), depth: z.int().default(1) }),
  cids: ({ cid, depth }: { cid: string; depth: number }) => (depth > 0 ? [cid] : []),
  run: () => 1,
}

describe('what an operation names', () => {
  both('is retained by its handler and by who appends it, until it has ended', async () => {
    await using wal = await openOps({ types: { copy, pin: handler(() => 1) } })
    const operations: NewOperation[] = [
      { type: 'copy', params: { cid: a }, cids: [b, b, a], notBefore: tomorrow() },
      { type: 'copy', params: { cid: c, depth: 0 }, notBefore: tomorrow() },
      { type: 'pin', params: { cid: c }, notBefore: tomorrow() },
    ]
    const [first, ...others] = await wal.appendMany(operations)
    expect(first!.operation.cids).toEqual([a, b])
    expect(others.map(({ operation }) => operation.cids)).toEqual([[], []])
    expect((await wal.retainedCids()).sort()).toEqual([a, b].sort())
    await wal.cancel(first!.operation.id)
    expect(await wal.retainedCids()).toEqual([])
  })

  both('is retained of what a handler asks for next', async () => {
    const types = {
      copy,
      pin: handler((_params, { followUp }) =>
        followUp({ type: 'copy', params: { cid: a }, notBefore: tomorrow() }),
      ),
    }
    await using wal = await openOps({ types })
    await wal.wait((await wal.append({ type: 'pin', params: {} })).operation.id)
    expect(await wal.retainedCids()).toEqual([a])
  })

  both('is refused if it is no CID, and nothing is promised', async () => {
    const refuses = {
      params: z.object({}),
      cids() {
        throw Object.assign(new Error('no path'), { code: 'TEST_PATH' })
      },
      run: () => 1,
    }
    const many = {
      params: z.object({}),
      cids: () => Array.from({ length: 1001 }, (_, n) => cidOf(`${n}`)),
      run: () => 1,
    }
    await using wal = await openOps({ types: { copy, 'custom:refuses': refuses, 'custom:many': many } })
    const wrongs = [
      'nonsense',
      `${a}x`,
      a.slice(0, -4),
      a.toUpperCase(),
      'bafy',
      ` ${a}`,
      '../..',
      '\0',
      'Qm',
    ]
    for (const wrong of wrongs) {
      const named = await errorOf(wal.append({ type: 'copy', params: { cid: wrong } }))
      expect(named, wrong).toMatchObject({ code: 'WAL_CID_INVALID', kind: 'invalid' })
      const given = await errorOf(wal.append({ type: 'copy', params: { cid: a }, cids: [b, wrong] }))
      expect(given, wrong).toMatchObject({ code: 'WAL_CID_INVALID' })
    }
    expect(await errorOf(wal.append({ type: 'custom:many', params: {} }))).toMatchObject({
      code: 'WAL_CID_INVALID',
    })
    expect(await errorOf(wal.append({ type: 'custom:refuses', params: {} }))).toMatchObject({
      code: 'TEST_PATH',
    })
    await expect(wal.append({ type: 'copy', params: { cid: a }, cids: ['x'.repeat(1001)] })).rejects.toThrow(
      RangeError,
    )
    await expect(wal.append({ type: 'copy', params: { cid: a }, cids: [5 as never] })).rejects.toThrow(
      TypeError,
    )
    await expect(wal.append({ type: 'copy', params: { cid: a }, cids: a as never })).rejects.toThrow(
      TypeError,
    )
    expect(wal.stats()).toMatchObject({ unfinished: 0, log: { nextLsn: 2 } })
  })

  test('may be in any base, of any version, codec and hash, and hold the block itself', async () => {
    await using wal = await openOps({ types: { pin: handler(() => 1) } })
    const cids = [
      'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n',
      'zdj7WWeQ43G6JJvLWQWZpyHuAMq6uYWRjkBXFad11vE2LHhQ7',
      'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8',
      'bafkqabtimvwgy3yk',
    ]
    expect(
      (await wal.append({ type: 'pin', params: {}, cids, notBefore: tomorrow() })).operation.cids,
    ).toEqual(cids)
    expect((await wal.retainedCids()).sort()).toEqual(cids.sort())
  })

  test('is given to wal.append with commas', async () => {
    const { call, wal } = await servedWal({ types: { copy } })
    const params = JSON.stringify({ cid: a })
    const notBefore = '3000-01-01T00:00:00Z'
    const made = await call('wal.append', { type: 'copy', params, cids: `${b},${c}`, notBefore })
    expect(made.operation.cids).toEqual([a, b, c])
    expect((await wal.retainedCids()).sort()).toEqual([a, b, c].sort())
    await expect(call('wal.append', { type: 'copy', params, cids: 'nonsense' })).rejects.toMatchObject({
      code: 'WAL_CID_INVALID',
    })
    await expect(call('wal.append', { type: 'copy', params, cids: `${a},` })).rejects.toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
    })
  })
})

describe('onRetained', () => {
  both('is told of all that becomes unfinished, before whoever has asked for it goes on', async () => {
    const told: string[] = []
    const mayEnd = createEvent()
    const run = async (): Promise<void> => {
      await mayEnd.wait()
      throw Object.assign(new Error('no'), { kind: 'invalid' })
    }
    await using wal = await openOps({
      types: { copy, pin: handler(run), add: handler(() => 1) },
      onRetained: (cids) => void told.push(...cids),
    })
    // Until it is known that there is room: from then on what is promised is running with that.
    while ((await wal.append({ type: 'add', params: {} })).operation.state !== 'running') await sleep(1)
    while (wal.stats().running > 0) await sleep(1)
    expect(told).toEqual([])
    const { operation } = await wal.append({ type: 'pin', params: {}, cids: [a] })
    expect(operation.state).toBe('running')
    expect(told).toEqual([a])
    await wal.append({ type: 'copy', params: { cid: b }, notBefore: tomorrow() })
    expect(told).toEqual([a, b])
    await wal.append({ type: 'pin', params: {}, notBefore: tomorrow() })
    mayEnd.set()
    await until(wal, operation.id, 'failed')
    expect(told).toEqual([a, b])
    await wal.retry(operation.id)
    expect(told).toEqual([a, b, a])
    expect(wal.stats().followers).toBe(0)
  })

  test('is a function', async () => {
    await expect(openOps({ types: {}, onRetained: 5 as never })).rejects.toThrow('onRetained is a function')
  })
})

test('what an older version has let in that is no CID is left out and told once, and breaks nothing', async () => {
  const disk = someDisk()
  {
    await using log = await openLog({ path: '/log', disk, segmentBytes: 262_144 })
    const add = {
      ...{ kind: 'add', type: 'pin', params: {}, priority: 5, after: [], timeoutMs: 1000, maxAttempts: 1 },
      ...{ onInterrupted: 'retry', createdAt: wallClock(), notBefore: tomorrow() },
    }
    const records = [
      { kind: 'open', at: wallClock(), epoch: 1 },
      { ...add, cids: ['nonsense', a] },
      { ...add, cids: ['', 'nonsense', b] },
    ]
    await log.appendMany(records.map((record) => Buffer.from(JSON.stringify(record))))
  }
  const published: unknown[] = []
  const listen = (message: unknown): void => void published.push(message)
  diagnosticsChannel.subscribe('wal:finding', listen)
  onTestFinished(() => void diagnosticsChannel.unsubscribe('wal:finding', listen))
  const told: string[] = []
  await using wal = await openOps(
    { types: { pin: handler(() => 1) }, onRetained: (cids) => void told.push(...cids) },
    disk,
  )
  for (let times = 0; times < 2; times += 1) expect((await wal.retainedCids()).sort()).toEqual([a, b].sort())
  const message = 'An unfinished operation names "nonsense", which is no CID: nothing is retained for it'
  const findings = wal.findings.filter(({ kind }) => kind === 'cid')
  expect(findings).toHaveLength(2)
  expect(findings).toContainEqual({ kind: 'cid', message })
  expect(published.filter((one) => (one as { kind: string }).kind === 'cid')).toEqual(findings)
  const health = await callerOf(wal).call('wal.health', {})
  expect(health).toMatchObject({ state: 'degraded', findings: expect.arrayContaining(findings) as unknown })
  expect(health.problems).toContain(`opening has found: ${message}`)
  await wal.cancel(2)
  await wal.retry(2)
  expect(told).toEqual([a])
})
