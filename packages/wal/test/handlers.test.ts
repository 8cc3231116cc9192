import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createEvent, run as waitFor, shield, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { HandlerContext, LoggedOperation, OperationHandler, WalOptions } from '@ipfs-kit/wal'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { soak } from './crash/amount.ts'
import { errorOf, handler, openOps, someDisk, until } from './wal-on.ts'

const onBoth = forEachBackend(test, { seeds: 15 })

/** What became of one operation. */
async function ended(how: OperationHandler, options: Partial<WalOptions> = {}): Promise<LoggedOperation> {
  await using wal = await openOps({ types: { pin: how }, retryBaseMs: 2, retryMaxMs: 4, ...options })
  const { operation } = await wal.append({ type: 'pin', params: {} })
  return await wal.wait(operation.id)
}

/** What is told on a channel while something is done. */
async function toldOn(name: string, work: () => Promise<void>): Promise<unknown[]> {
  const told: unknown[] = []
  const listener = (message: unknown) => void told.push(message)
  subscribe(name, listener)
  try {
    await work()
  } finally {
    unsubscribe(name, listener)
  }
  return told
}

describe('a handler that', () => {
  onBoth('returns garbage fails its operation for good', async () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    for (const garbage of [() => 1, 5n, NaN, circle, new Map(), 'x'.repeat(3000)]) {
      const end = await ended(
        handler(() => garbage as never),
        { maxResultBytes: 2000 },
      )
      expect(end).toMatchObject({ state: 'failed', attemptCount: 1, failure: { code: 'WAL_RESULT_INVALID' } })
    }
    const typed = handler(() => ({ cid: 5 }), { result: z.object({ cid: z.string() }) })
    expect(await ended(typed)).toMatchObject({ state: 'failed', failure: { code: 'WAL_RESULT_INVALID' } })
  })

  onBoth('returns what is shared many times over is answered at once', async () => {
    let shared: unknown = {}
    for (let level = 0; level < 60; level += 1) shared = { left: shared, right: shared }
    const end = await ended(handler(() => shared as never))
    expect(end).toMatchObject({ state: 'failed', failure: { code: 'WAL_RESULT_INVALID' } })
  })

  onBoth('throws what cannot be told becomes a dead letter all the same', async () => {
    const never = (): never => {
      throw new Error('not to be read')
    }
    for (const thrown of [
      Object.create(null),
      Object.assign(new Error('m'), { message: undefined }),
      Object.assign(new Error('m'), { name: 5n }),
      new Proxy({}, { get: never }),
      Object.defineProperty(new Error('m'), 'code', { get: never }),
    ] as unknown[]) {
      const run = () => {
        throw thrown
      }
      const end = await ended(handler(run, { maxAttempts: 2 }))
      expect(end).toMatchObject({ state: 'failed', failure: { message: expect.any(String) } })
    }
  })

  onBoth('cannot tell whether it may be tried again is not tried again', async () => {
    const run = () => {
      throw new Error('first')
    }
    const isRetryable = () => {
      throw new Error('second')
    }
    const end = await ended(handler(run, { isRetryable }))
    expect(end).toMatchObject({ state: 'failed', attemptCount: 1, failure: { message: 'second' } })
  })

  onBoth('has parameters that cannot be checked any more fails its operation', async () => {
    let isBroken = false
    const params = z.looseObject({}).refine(() => {
      if (isBroken) throw new Error('the check is broken')
      return true
    })
    const mayEnd = createEvent()
    const types = { add: handler(() => mayEnd.wait()), pin: { params, run: () => 1 } }
    await using wal = await openOps({ types })
    const first = await wal.append({ type: 'add', params: {} })
    const { operation } = await wal.append({ type: 'pin', params: {}, after: [first.operation.id] })
    isBroken = true
    mayEnd.set()
    expect(await wal.wait(operation.id)).toMatchObject({
      state: 'failed',
      failure: { code: 'WAL_PARAMS_INVALID', message: expect.stringContaining('the check is broken') },
    })
  })

  onBoth('throws whatever it likes becomes a dead letter with what it said', async () => {
    for (const [thrown, failure] of [
      [new TypeError('odd'), { code: 'TypeError', message: 'odd' }],
      ['text', { message: 'text' }],
      [undefined, { message: 'undefined' }],
      [Object.assign(new Error('m'), { code: 'C' }), { code: 'C', message: 'm' }],
    ] as const) {
      const end = await ended(
        handler(
          () => {
            throw thrown
          },
          { maxAttempts: 2 },
        ),
      )
      expect(end).toMatchObject({ state: 'failed', attemptCount: 2, failure })
    }
    const own = handler(
      () => {
        throw new Error('never again')
      },
      { isRetryable: () => false },
    )
    expect(await ended(own)).toMatchObject({ state: 'failed', attemptCount: 1 })
  })

  onBoth('ignores cancellation keeps its operation until it ends, and nobody else gets it', async () => {
    const mayEnd = createEvent()
    let running = 0
    let attempts = 0
    let done: LoggedOperation | undefined
    const run = async () => {
      attempts += 1
      running += 1
      expect(running).toBe(1)
      if (attempts === 1) await shield(() => mayEnd.wait())
      running -= 1
      return 'late'
    }
    const late = await toldOn('wal:late', async () => {
      await using wal = await openOps({
        types: { pin: handler(run, { timeoutMs: 5 }) },
        stuckMs: 3,
        retryBaseMs: 1,
      })
      const { operation } = await wal.append({ type: 'pin', params: {} })
      while (wal.stats().stuck === 0) await sleep(1)
      expect(await wal.get(operation.id)).toMatchObject({ state: 'running', attemptCount: 1 })
      expect(wal.stats()).toMatchObject({ running: 1, stuck: 1 })
      mayEnd.set()
      done = await wal.wait(operation.id)
    })
    expect(done).toMatchObject({ state: 'completed' })
    // On a busy machine the time of an attempt may be over before it begins: that one is late too.
    const failed = done!.attempts.slice(0, -1)
    expect(failed[0]).toMatchObject({ outcome: 'failed', failure: { code: 'WAL_TIMEOUT' } })
    expect(late).toEqual(failed.map(({ attempt }) => ({ id: done!.id, type: 'pin', attempt })))
  })

  onBoth('ignores cancellation is waited for by cancel and by close', async () => {
    const mayEnd = createEvent()
    const wal = await openOps({ types: { pin: handler(() => shield(() => mayEnd.wait())) }, drainMs: 1 })
    const [one, two] = await wal.appendMany([
      { type: 'pin', params: {} },
      { type: 'pin', params: {} },
    ])
    await until(wal, two!.operation.id, 'running')
    let isClosed = false
    const cancelling = wal.cancel(one!.operation.id)
    const closing = wal.close().then(() => (isClosed = true))
    await sleep(30)
    expect(isClosed).toBe(false)
    mayEnd.set()
    expect(await cancelling).toMatchObject({ state: 'cancelled' })
    await waitFor(closing)
  })

  test('blocks the loop holds up everything for so long, and no longer', async () => {
    const run = ({ ms }: { ms?: number }) => {
      const until_ = performance.now() + (ms ?? 0)
      while (performance.now() < until_);
      return 'done'
    }
    await using wal = await openOps({ types: { pin: handler(run, { timeoutMs: 50 }) } }, simDisk({ seed: 1 }))
    const all = await wal.appendMany([
      { type: 'pin', params: { ms: soak > 1 ? 30_000 : 200 } },
      { type: 'pin', params: {} },
      { type: 'pin', params: {} },
    ])
    for (const { operation } of all) {
      expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed', attemptCount: 1 })
    }
  })
})

describe('what a handler is given', () => {
  onBoth('its parameters as its schema reads them, its operation and a signal', async () => {
    const params = z.object({ size: z.coerce.number().default(7) })
    const run = (given: unknown, { operation, checkpoint, signal }: HandlerContext) => {
      expect(signal.aborted).toBe(false)
      expect(checkpoint).toBeUndefined()
      return { given, attempt: operation.attemptCount, state: operation.state } as never
    }
    expect((await ended({ params, run })).result).toEqual({
      given: { size: 7 },
      attempt: 1,
      state: 'running',
    })
  })

  onBoth('a checkpoint that the next attempt finds, also after a crash', async () => {
    const disk = someDisk()
    const found: unknown[] = []
    const hasSaved = createEvent()
    const run = async (_: unknown, { checkpoint, save }: HandlerContext) => {
      found.push(checkpoint)
      await save({ part: found.length })
      if (found.length < 3) throw new Error('once more')
      hasSaved.set()
      if (found.length === 3) await sleep(Infinity)
    }
    const options: Partial<WalOptions> = { retryBaseMs: 1, drainMs: 0 }
    const first = await openOps({ types: { pin: handler(run) }, ...options }, disk)
    const { operation } = await first.append({ type: 'pin', params: {} })
    await hasSaved.wait()
    const next = disk.crash()
    await first.close().catch(() => undefined)
    await using wal = await openOps({ types: { pin: handler(run) }, ...options }, next)
    const done = await wal.wait(operation.id)
    expect(found).toEqual([undefined, { part: 1 }, { part: 2 }, { part: 3 }])
    expect(done.attempts.map(({ outcome }) => outcome)).toEqual([
      'failed',
      'failed',
      'interrupted',
      'completed',
    ])
    expect(done.attempts.map(({ epoch }) => epoch)).toEqual([1, 1, 1, 2])
  })

  onBoth('progress is shown at once, written now and then, and there when it has ended', async () => {
    const mayEnd = createEvent()
    const run = async (_: unknown, { progress, results }: HandlerContext) => {
      for (let bytes = 1; bytes <= 500; bytes += 1) progress({ stage: 'copies', bytes, totalBytes: 500 })
      results([{ name: 'a' }, { name: 'b', failure: { code: 'X', message: 'no' } }])
      await mayEnd.wait()
      progress({ stage: 'done', bytes: 500 })
      results([{ name: 'c', result: 5 }])
      expect(() => progress({ stage: 'x', bytes: -1 })).toThrow(RangeError)
      expect(() => progress({ stage: 'x' } as never)).toThrow(RangeError)
      expect(() => results([{ name: 5 } as never])).toThrow(TypeError)
    }
    await using wal = await openOps({ types: { pin: handler(run) }, progressMs: 10 })
    const { operation } = await wal.append({ type: 'pin', params: {} })
    while ((await wal.get(operation.id))?.progress === undefined) await sleep(1)
    const running = await wal.get(operation.id)
    expect(running).toMatchObject({
      state: 'running',
      progress: { stage: 'copies', bytes: 500 },
      items: { done: 1, failed: 1 },
    })
    expect((await wal.list({ states: ['running'] })).operations[0]).toMatchObject({
      progress: { bytes: 500 },
    })
    await sleep(40)
    const { records } = wal.stats().log
    expect(records).toBeLessThan(8)
    mayEnd.set()
    expect(await wal.wait(operation.id)).toMatchObject({
      state: 'completed',
      progress: { stage: 'done', bytes: 500 },
      items: { done: 2, failed: 1, results: [{ name: 'a' }, { name: 'b' }, { name: 'c', result: 5 }] },
    })
  })

  onBoth('follow-ups are promised with the completion, or not at all', async () => {
    const disk = someDisk()
    const run = async ({ fail }: { fail?: boolean }, { followUp }: HandlerContext) => {
      followUp({ type: 'copy', params: { n: 1 } })
      followUp({ type: 'copy', params: { n: 2 }, afterInBatch: [0], key: 'two' })
      expect(() => followUp({ type: 'unpin', params: {} })).toThrow(/no handler/)
      if (fail === true) throw Object.assign(new Error('no'), { kind: 'invalid' })
    }
    await using wal = await openOps({ types: { add: handler(run), copy: handler(() => 1) } }, disk)
    const bad = await wal.append({ type: 'add', params: { fail: true } })
    await wal.wait(bad.operation.id)
    expect((await wal.list({ types: ['copy'] })).operations).toEqual([])
    const good = await wal.append({ type: 'add', params: {} })
    const done = await wal.wait(good.operation.id)
    const [second, first] = (await wal.list({ types: ['copy'] })).operations
    expect([first!.id, second!.id]).toEqual([done.lsn + 1, done.lsn + 2])
    expect(second).toMatchObject({ after: [first!.id] })
    expect(await wal.wait(second!.id)).toMatchObject({ state: 'completed' })
    // The key stands for another one now.
    await wal.append({ type: 'copy', params: { n: 3 }, key: 'three' })
    const clash = handler(
      (_: unknown, { followUp }: HandlerContext) =>
        followUp({ type: 'copy', params: { n: 4 }, key: 'three' }),
      { isRetryable: () => false },
    )
    await wal.close()
    await using again = await openOps({ types: { add: clash, copy: handler(() => 1) } }, disk)
    const failed = await again.append({ type: 'add', params: {} })
    expect(await again.wait(failed.operation.id)).toMatchObject({
      state: 'failed',
      failure: { code: 'WAL_KEY_CONFLICT' },
    })
  })

  onBoth('is of no use when the attempt is over', async () => {
    let kept: HandlerContext | undefined
    await using wal = await openOps({
      types: { pin: handler((_: unknown, context: HandlerContext) => void (kept = context)) },
    })
    const { operation } = await wal.append({ type: 'pin', params: {} })
    await wal.wait(operation.id)
    kept!.progress({ stage: 'late', bytes: 1 })
    expect(() => kept!.followUp({ type: 'pin', params: {} })).toThrow(/has ended/)
    expect(await errorOf(kept!.save(1))).toMatchObject({ code: 'WAL_STATE' })
    expect((await wal.get(operation.id))?.progress).toBeUndefined()
  })
})
