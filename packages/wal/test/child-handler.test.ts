import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { simDisk } from '@ipfs-kit/disk'
import {
  childHandler,
  type ChildHandlerOptions,
  type LoggedOperation,
  type Wal,
  type WalOptions,
} from '@ipfs-kit/wal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Asked } from './child/handler.ts'
import { handler, openOps } from './wal-on.ts'

const module = new URL('child/handler.ts', import.meta.url)
const params = z.looseObject({})
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A log on a simulated disk, whose pins are done by child processes. */
async function opened(
  options: Partial<ChildHandlerOptions> = {},
  more: Partial<WalOptions> = {},
): Promise<Wal> {
  const pin = childHandler({ params, module, killAfterMs: 50, ...options })
  const types = { pin, unpin: handler(() => 'done') }
  return await openOps({ types, retryBaseMs: 1, retryMaxMs: 2, ...more }, simDisk({ seed: 1 }))
}

/** What becomes of one operation. */
async function ended(asked: Asked, options?: Partial<ChildHandlerOptions>): Promise<LoggedOperation> {
  await using wal = await opened({ maxAttempts: 2, ...options })
  const { operation } = await wal.append({ type: 'pin', params: { ...asked } })
  return await wal.wait(operation.id)
}

/** The pid that a process has written to a file. */
async function pidIn(file: string): Promise<number> {
  await expect
    .poll(() => existsSync(file) && Number(readFileSync(file, 'utf8')), { interval: 5 })
    .toBeGreaterThan(0)
  return Number(readFileSync(file, 'utf8'))
}

/** Whether a process runs; one that nobody has waited for does not. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const state = `/proc/${pid}/stat`
  return !existsSync(state) || !/\) [ZX] /.test(readFileSync(state, 'utf8'))
}

/** That the end of an attempt is an interruption, which was counted. */
const interrupted = (message: RegExp, attempts = 2) => ({
  state: 'failed',
  attemptCount: attempts,
  attempts: Array.from({ length: attempts }, () => ({ outcome: 'interrupted' })),
  failure: { code: 'WAL_INTERRUPTED', message: expect.stringMatching(message) },
})

describe('a handler in a child process', () => {
  test('is given parameters, operation and checkpoint, and tells all that others tell', async () => {
    await using wal = await opened()
    // Separators of lines to some, and no end of a line here.
    const asked = { does: 'tells', text: 'a\u2028b\nc' }
    const { operation } = await wal.append({ type: 'pin', params: asked })
    const done = await wal.wait(operation.id)
    expect(done).toMatchObject({
      state: 'completed',
      attempts: [
        { outcome: 'failed', failure: { code: 'AGAIN', message: 'once more' } },
        { outcome: 'completed' },
      ],
      progress: { stage: 'ends', bytes: 2, totalBytes: 2 },
      items: { done: 2, failed: 2 },
      checkpoint: { half: asked.text },
      result: { checkpoint: { half: asked.text }, attempt: 2, asked },
    })
    expect((await wal.list({ types: ['unpin'] })).operations).toMatchObject([
      { id: done.lsn + 1, params: { after: operation.id } },
    ])
  })

  test('is told that what it saves was refused', async () => {
    await using wal = await opened({}, { maxParamsBytes: 2000 })
    const { operation } = await wal.append({ type: 'pin', params: { does: 'saves' } })
    expect(await wal.wait(operation.id)).toMatchObject({ result: 'WAL_PARAMS_INVALID' })
  })

  test('fails as it would in this process, for good or not', async () => {
    expect(await ended({ does: 'tellsWrong' })).toMatchObject({
      attemptCount: 2,
      failure: { code: 'RangeError', message: expect.stringContaining('bytes') },
    })
    expect(await ended({ does: 'returnsGarbage' })).toMatchObject({
      attemptCount: 1,
      failure: { code: 'WAL_RESULT_INVALID', message: expect.stringContaining('Map') },
    })
    expect(await ended({ does: 'throwsLasting' })).toMatchObject({
      attemptCount: 1,
      failure: { code: 'TypeError', message: 'odd' },
    })
    const nothing = await ended({ does: 'returnsNothing' })
    expect(nothing).toMatchObject({ state: 'completed' })
    expect(nothing.result).toBeUndefined()
    const typed = { result: z.object({ cid: z.string() }) }
    expect(await ended({ does: 'returnsNothing' }, typed)).toMatchObject({
      failure: { code: 'WAL_RESULT_INVALID' },
    })
  })

  test('whose module is not there or has no function fails with what is wrong', async () => {
    expect(await ended({ does: 'exits' }, { module: new URL('none.ts', module) })).toMatchObject({
      attemptCount: 2,
      failure: { code: 'ERR_MODULE_NOT_FOUND' },
    })
    const none = new URL('../crash/amount.ts', module)
    expect(await ended({ does: 'exits' }, { module: none })).toMatchObject({
      attemptCount: 1,
      failure: { code: 'TypeError', message: expect.stringContaining('no function') },
    })
  })

  test('may not tell more at once than there is room for', async () => {
    expect(await ended({ does: 'tellsTooMuch' })).toMatchObject({
      attemptCount: 2,
      failure: { code: 'RangeError', message: expect.stringContaining('16777216 bytes') },
    })
  })

  test('is not blamed when the log itself was held up for longer than it may be silent', async () => {
    await using wal = await opened({ heartbeatMs: 500, silentMs: 8000, cancelMs: 0 })
    const { operation } = await wal.append({ type: 'pin', params: { does: 'counts' } })
    const counted = async (): Promise<number> => (await wal.get(operation.id))?.progress?.bytes ?? 0
    await expect.poll(counted, { interval: 5 }).toBeGreaterThan(0)
    const { attemptCount } = (await wal.get(operation.id))!
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 8500)
    const before = await counted()
    // More than it has told meanwhile.
    await expect.poll(counted, { interval: 5 }).toBeGreaterThan(before + 150)
    expect(await wal.cancel(operation.id)).toMatchObject({ attemptCount, state: 'cancelled' })
  })

  test('may print what it likes', async () => {
    expect(await ended({ does: 'printsGarbage' })).toMatchObject({
      state: 'completed',
      attemptCount: 1,
      result: 'told',
    })
  })
})

describe('an attempt is interrupted, counted and tried again when its child process', () => {
  test('is killed', async () => {
    expect(await ended({ does: 'killsItself' })).toMatchObject(interrupted(/was ended by SIGKILL/))
  })

  test('exits without an answer, with 0 too', async () => {
    expect(await ended({ does: 'exits' })).toMatchObject(
      interrupted(/exit code 0 without an answer; it wrote last: said before$/),
    )
  })

  test('fails where nobody catches it, and says what it wrote last', async () => {
    expect(await ended({ does: 'throwsLater' })).toMatchObject(
      interrupted(/exit code 1 [^]*nobody catches this/),
    )
    const much = await ended({ does: 'printsMuchAndExits' })
    expect(much).toMatchObject(interrupted(/exit code 3 [^]*line 19998\nline 19999$/))
    expect(much.failure!.message.length).toBeLessThan(1700)
  })

  test('blocks its loop for too long; it is gone then', async () => {
    const pidFile = join(folder, 'blocked')
    const limits = { heartbeatMs: 50, silentMs: 8000, maxAttempts: 1 }
    expect(await ended({ does: 'blocks', pidFile }, limits)).toMatchObject(
      interrupted(/gave no sign of life for 8000 ms/, 1),
    )
    expect(isRunning(await pidIn(pidFile))).toBe(false)
  })

  test('is stopped and goes on no more', async () => {
    expect(await ended({ does: 'stops' }, { heartbeatMs: 50, silentMs: 500 })).toMatchObject(
      interrupted(/gave no sign of life/),
    )
  })

  test('has somebody else write into its messages', async () => {
    expect(await ended({ does: 'garbles' })).toMatchObject(interrupted(/garbled/))
  })

  test('cannot be started', async () => {
    expect(await ended({ does: 'exits' }, { nodeArgs: ['--no-such-flag'] })).toMatchObject(
      interrupted(/exit code 9 without an answer; it wrote last: [^]*bad option/),
    )
    const { execPath } = process
    process.execPath = join(folder, 'no-node')
    try {
      expect(await ended({ does: 'exits' })).toMatchObject(interrupted(/cannot start .*no-node/))
    } finally {
      process.execPath = execPath
    }
  })

  test('unless its handler says that an interruption is its end', async () => {
    expect(await ended({ does: 'exits' }, { onInterrupted: 'fail' })).toMatchObject({
      state: 'failed',
      attempts: [{ outcome: 'interrupted' }],
    })
  })
})

test('an interruption is not held against the backend', async () => {
  await using wal = await opened({ maxAttempts: 4 }, { backends: { s3: { degradedAfter: 1 } } })
  const { operation } = await wal.append({ type: 'pin', params: { does: 'exits' }, backend: 's3' })
  expect(await wal.wait(operation.id)).toMatchObject({ state: 'failed' })
  expect(wal.stats().backends).toMatchObject([{ backend: 's3', state: 'online' }])
})

describe('cancelling', () => {
  /** An operation whose process runs. */
  async function running(wal: Wal, does: Asked['does'], text?: string): Promise<[id: number, pid: number]> {
    const pidFile = join(folder, `${does} ${Math.random()}`)
    const { operation } = await wal.append({
      type: 'pin',
      params: { does, pidFile, ...(text !== undefined && { text }) },
    })
    return [operation.id, await pidIn(pidFile)]
  }

  test('is told to the handler, which may end by itself; what it returns to a pause counts', async () => {
    await using wal = await opened({ cancelMs: 60_000 })
    const [id] = await running(wal, 'ends')
    expect(await wal.pause(id).catch((error: unknown) => error)).toMatchObject({ code: 'WAL_STATE' })
    expect(await wal.get(id)).toMatchObject({
      state: 'completed',
      result: { reason: expect.stringContaining('paused') },
    })
    const [other, pid] = await running(wal, 'ends')
    expect(await wal.cancel(other)).toMatchObject({
      state: 'cancelled',
      attempts: [{ outcome: 'cancelled' }],
    })
    expect(isRunning(pid)).toBe(false)
  })

  test('ends one that does not listen, by SIGTERM, and is over when its process is gone', async () => {
    await using wal = await opened({ cancelMs: 20, killAfterMs: 60_000 })
    const [id, pid] = await running(wal, 'waits')
    expect(await wal.cancel(id)).toMatchObject({ state: 'cancelled' })
    expect(isRunning(pid)).toBe(false)
  })

  test('ends one that ignores SIGTERM, by SIGKILL, with all that it has started', async () => {
    await using wal = await opened({ cancelMs: 20 })
    const file = join(folder, 'started')
    const [id, pid] = await running(wal, 'ignoresAll', file)
    const other = await pidIn(file)
    expect(await wal.cancel(id)).toMatchObject({ state: 'cancelled' })
    expect([pid, other].map(isRunning)).toEqual([false, false])
  })

  test('by the end of the time of an attempt is a failure, by a close a release', async () => {
    await using wal = await opened({ cancelMs: 20, maxAttempts: 1 }, { drainMs: 1 })
    const late = await wal.append({ type: 'pin', params: { does: 'waits' }, timeoutMs: 500 })
    expect(await wal.wait(late.operation.id)).toMatchObject({
      state: 'failed',
      failure: { code: 'WAL_TIMEOUT' },
    })
    const [, pid] = await running(wal, 'waits')
    await wal.close()
    expect(isRunning(pid)).toBe(false)
  })
})

describe('a child process whose log was killed by kill -9', () => {
  for (const does of ['waits', 'blocks'] as const) {
    test(`ends too, if its handler ${does}`, async () => {
      const pidFile = join(folder, `orphan that ${does}`)
      const parent = fileURLToPath(new URL('child/parent.ts', import.meta.url))
      const args = ['--conditions=@ipfs-kit/source', parent, join(folder, does), does, pidFile]
      const started = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
      const exited = once(started, 'exit')
      const pid = await pidIn(pidFile)
      expect(isRunning(pid)).toBe(true)
      started.kill('SIGKILL')
      await exited
      await expect.poll(() => isRunning(pid), { interval: 5 }).toBe(false)
    })
  }
})

test('wrong options are refused', () => {
  const options = { params, module }
  expect(() => childHandler({ ...options, heartbeat: 5 } as never)).toThrow(/heartbeat/)
  expect(() => childHandler({ params, module: './handler.ts' } as never)).toThrow(TypeError)
  expect(() => childHandler({ ...options, nodeArgs: [5] } as never)).toThrow(TypeError)
  expect(() => childHandler({ params, module: new URL('data:text/javascript,0') })).toThrow(TypeError)
  for (const wrong of [
    { heartbeatMs: 0 },
    { heartbeatMs: NaN },
    { heartbeatMs: 1000, silentMs: 1999 },
    { silentMs: Infinity },
    { cancelMs: -1 },
    { killAfterMs: 0.5 },
  ]) {
    expect(() => childHandler({ ...options, ...wrong })).toThrow(RangeError)
  }
})
