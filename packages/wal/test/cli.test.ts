import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openWal } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { finished, temporaryFolder, testTypes } from './served-wal.ts'

const script = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const node = ['--conditions=@ipfs-kit/source', script]

function command(
  cwd: string,
  ...args: string[]
): Promise<{ code: number | string; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...node, ...args], { cwd }, (error, out, err) => {
      resolve({ code: error?.code ?? 0, out, err })
    })
  })
}

/** A log with operations that are completed (2), failed (3), cancelled (4) and that wait (5). */
async function leftLog(): Promise<string> {
  const path = join(await temporaryFolder(), 'log')
  await using wal = await openWal({ path, types: testTypes, drainMs: 0 })
  await finished(wal, 1)
  const failed = await wal.append({ type: 'custom:fails', params: {}, backend: 's3' })
  await wal.wait(failed.operation.id)
  const notBefore = Date.parse('3000-01-01T00:00:00Z')
  const [cancelled, waiting] = await wal.appendMany([
    { type: 'custom:done', params: {}, notBefore },
    { type: 'custom:done', params: {}, notBefore },
  ])
  await wal.cancel(cancelled!.operation.id, { reason: 'not needed' })
  expect(waiting!.operation.state).toBe('queued')
  return path
}

/** The ids of {@link leftLog}, by type and state. */
async function idsOf(path: string): Promise<Record<string, number>> {
  const { jobs } = JSON.parse((await command(path, 'list', '--json', '--path', '.')).out) as {
    jobs: { id: number; state: string }[]
  }
  return Object.fromEntries(jobs.map(({ id, state }) => [state, id]))
}

test('looking at a log tells all there is, and leaves every file as it was', async () => {
  const path = await leftLog()
  const before = await digestOf(path)
  const ids = await idsOf(path)
  const run = (...args: string[]) => command(path, ...args, '--path', '.')
  const status = await run('status')
  expect(status).toMatchObject({ code: 0, err: '' })
  expect(status.out).toMatch(/^LSN 1 to \d+ in 1 segments/)
  expect(status.out).toContain('failed  custom:fails  s3  1')
  expect((await run('list', '--state', 'failed')).out).toContain('TEST_GONE: The source is gone')
  const shown = await run('show', String(ids['failed']))
  expect(shown.out).toContain(`Try it again with jobs retry ${ids['failed']}.`)
  expect((await run('wait', String(ids['completed']))).out).toContain('completed')
  expect((await run('health')).out).toBe('healthy, 0 findings; 1 unfinished, 1 failed\n')
  expect((await run('metrics')).out).toContain(
    'wal_operations{state="failed",type="custom:fails",backend="s3"} 1\n',
  )
  const config = (await run('config')).out
  expect(config).toContain('mode  always\nsegmentBytes  33554432\nindex  sqlite\n')
  expect(config).toContain('drainMs  0\n')
  expect((await run('verify')).out).toMatch(/^whole: \d+ records in 1 segments \(33554432 bytes\)/)
  const followed = (await run('follow', String(ids['cancelled']))).out.trimEnd().split('\n')
  expect(followed).toHaveLength(2)
  expect(followed[1]).toContain('WAL_CANCELLED: not needed')
  const exported = (await run('export', '-o', '-')).out.trimEnd().split('\n')
  expect(exported.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual(
    Object.values(ids).sort((a, b) => b - a),
  )
  expect(await digestOf(path)).toEqual(before)
})

test('what a process was running when it ended is told as what becomes of it, and as what the log has', async () => {
  const path = join(await temporaryFolder(), 'log')
  const left = join(path, '..', 'left')
  const { 'custom:endless': endless } = testTypes
  {
    const types = { ...testTypes, 'custom:once': { ...endless!, onInterrupted: 'fail' as const } }
    await using wal = await openWal({ path, types, drainMs: 0 })
    const [again, once] = await wal.appendMany([
      { type: 'custom:endless', params: {} },
      { type: 'custom:once', params: {} },
    ])
    await wal.append({ type: 'custom:done', params: {}, after: [once!.operation.id] })
    for (const { operation } of [again!, once!]) {
      for await (const change of wal.follow({ from: 1, id: operation.id })) {
        if ('operation' in change && change.operation.progress !== undefined) break
      }
    }
    // As the end of the process would leave it.
    await cp(path, left, { recursive: true })
  }
  const run = (...args: string[]) => command(left, ...args, '--path', '.')
  const ids = await idsOf(left)
  expect(Object.keys(ids).sort()).toEqual(['failed', 'queued', 'retrying'])
  const ended = 'WAL_INTERRUPTED: The process that ran it has ended'
  expect((await run('list', '--state', 'running')).out).toBe('none\n')
  expect((await run('list')).out).not.toContain('bytes/s')
  expect((await run('list', '--state', 'retrying')).out).toContain(ended)
  expect((await run('status')).out).toContain('retrying  custom:endless  1\nfailed  custom:once  1\n')
  const again = await run('show', String(ids['retrying']))
  expect(again.out).toContain('the log has it as running: when the log is opened it is queued again.')
  expect(again.out).not.toContain('due ')
  const once = await run('show', String(ids['failed']))
  expect(once.out).toContain(`ends as failed; then try it again with jobs retry ${ids['failed']}.`)
  expect(JSON.parse((await run('show', String(ids['failed']), '--json')).out)).toMatchObject({
    state: 'failed',
    stored: 'running',
  })
  await using wal = await openWal({ path: left, types: {}, executor: 'off' })
  expect(await wal.get(ids['failed']!)).toMatchObject({
    state: 'failed',
    failure: { code: 'WAL_INTERRUPTED' },
  })
  expect(await wal.get(ids['retrying']!)).toMatchObject({ state: 'retrying' })
})

test('waiting for what nobody works on is refused, and so is what is not there', async () => {
  const path = await leftLog()
  const ids = await idsOf(path)
  const waiting = await command(path, 'wait', String(ids['queued']), '--path', '.')
  expect([waiting.code, waiting.err]).toEqual([1, expect.stringContaining('WAL_NOT_RUNNING')])
  for (const [state, code] of [
    ['completed', 0],
    ['failed', 1],
    ['cancelled', 1],
  ] as const) {
    const ended = await command(path, 'wait', String(ids[state]), '--path', '.')
    expect(ended).toMatchObject({ code, out: expect.stringContaining(state) as string, err: '' })
  }
  const missing = await command(path, 'show', '999', '--path', '.')
  expect([missing.code, missing.err]).toEqual([3, expect.stringContaining('WAL_NOT_FOUND')])
})

test('operations are tried again, cancelled and removed, and run when the log is open again', async () => {
  const path = await leftLog()
  const ids = await idsOf(path)
  const run = (...args: string[]) => command(path, ...args, '--path', '.')
  expect((await run('retry', String(ids['failed']))).out).toContain('queued')
  expect((await run('cancel', String(ids['queued']))).out).toContain('cancelled')
  expect((await run('cleanup', '--state', 'completed')).out).toBe('removed 1 operations\n')
  const again = await run('cancel', String(ids['queued']))
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('WAL_STATE')])
  // These commands have opened the log too, and run nothing.
  expect((await run('config')).out).toContain('executor  on\n')
  await using wal = await openWal({ path, types: testTypes })
  expect(await wal.wait(ids['failed']!)).toMatchObject({ state: 'failed', attemptCount: 2 })
  expect(await wal.get(ids['completed']!)).toBe(undefined)
})

test('commands that change a log let nothing go that its process keeps', async () => {
  const path = join(await temporaryFolder(), 'log')
  const monthMs = 30 * 86_400_000
  {
    const clock = () => Date.now() - monthMs
    const keepFinished = { maxAgeMs: 12 * monthMs }
    await using wal = await openWal({ path, types: testTypes, segmentBytes: 16_384, keepFinished, clock })
    while (wal.stats().store.checkpoints === 0) await finished(wal, 20)
  }
  const counted = async () => (await command(path, 'metrics', '--path', '.')).out.split('\n').at(-2)
  // One that cannot be relied on is replaced at the next opening, without what is let go then.
  const snapshot = await open(join(path, 'snapshot'), 'r+')
  await snapshot.write(Buffer.alloc(8), 0, 8, (await snapshot.stat()).size - 8)
  await snapshot.close()
  await rm(join(path, 'index.sqlite'))
  const before = await counted()
  expect(before).toMatch(/^wal_operations.* \d+$/)
  expect((await command(path, 'cleanup', '--type', 'custom:fails', '--path', '.')).code).toBe(0)
  expect(await readdir(path)).toContain('quarantine')
  expect(await counted()).toBe(before)
})

test('commands that change a log make no index for a process that has it in memory', async () => {
  const path = join(await temporaryFolder(), 'log')
  await (await openWal({ path, types: testTypes, index: 'memory', segmentBytes: 16_384 })).close()
  const before = await readdir(path)
  expect((await command(path, 'cleanup', '--path', '.')).code).toBe(0)
  expect(await readdir(path)).toEqual(before)
})

test('the rate of a job that is followed is that of its time', async () => {
  const path = join(await temporaryFolder(), 'log')
  {
    let at = Date.parse('2001-01-01T00:00:00Z')
    await using wal = await openWal({ path, types: testTypes, clock: () => (at += 10) })
    await wal.wait((await wal.append({ type: 'custom:partial', params: {} })).operation.id)
  }
  const lines = (await command(path, 'follow', '--path', '.')).out.split('\n')
  expect(lines.find((line) => line.includes('running  75 %'))).toMatch(/ [1-9]\d* bytes\/s /)
})

test('who follows from an LSN is told what of it the log does not have', async () => {
  const path = join(await temporaryFolder(), 'log')
  let last = 0
  {
    await using wal = await openWal({ path, types: testTypes, segmentBytes: 131_072 })
    while (wal.stats().log.firstLsn === 1) await finished(wal, 100)
    last = wal.stats().log.nextLsn - 1
  }
  const lines = async (...args: string[]) =>
    (await command(path, 'follow', ...args, '--path', '.')).out.trimEnd().split('\n')
  expect(await lines('--from', String(last + 2))).toEqual([`missed the changes 1 to ${last}`])
  expect(await lines('--from', String(last + 1))).toEqual([''])
  const [missed, ...told] = await lines('--from', '7')
  expect(missed).toMatch(/^missed the changes 7 to \d+$/)
  expect(told).not.toEqual([])
  // Who names none asks for what there is.
  expect(await lines()).toEqual(told)
})

test('the options are told after a checkpoint has let go of the opening that had them', async () => {
  const path = join(await temporaryFolder(), 'log')
  {
    await using wal = await openWal({ path, types: testTypes, segmentBytes: 131_072, windowSize: 77 })
    while (wal.stats().log.firstLsn === 1) await finished(wal, 100)
  }
  expect((await command(path, 'config', '--path', '.')).out).toContain('windowSize  77\n')
  // One that looks keeps them, in an index that it makes of snapshot and log.
  await rm(join(path, 'index.sqlite'))
  await (await openWal({ path, types: testTypes, executor: 'off' })).close()
  expect((await command(path, 'config', '--path', '.')).out).toContain('windowSize  77\n')
})

test('a log whose openings tell no options says so', async () => {
  const path = join(await temporaryFolder(), 'log')
  await (await openWal({ path, types: testTypes, executor: 'off' })).close()
  const { code, err } = await command(path, 'config', '--path', '.')
  expect([code, err]).toEqual([3, expect.stringContaining('WAL_NOT_FOUND')])
})

test('the index is made anew', async () => {
  const path = await leftLog()
  expect((await command(path, 'rebuild-index', '--path', '.')).out).toBe('the index has 4 operations\n')
})

test('an export as Parquet is written to a file', async () => {
  const path = await leftLog()
  const file = join(path, '..', 'operations.parquet')
  expect(await command(path, 'export', '--format', 'parquet', '-o', file, '--path', '.')).toMatchObject({
    code: 0,
  })
  const bytes = await readFile(file)
  expect([bytes.toString('latin1', 0, 4), bytes.toString('latin1', bytes.length - 4)]).toEqual([
    'PAR1',
    'PAR1',
  ])
})

test('a damage is told, and what is behind it is there', async () => {
  const path = await leftLog()
  const [segment] = (await readdir(path)).filter((name) => name.endsWith('.wal'))
  const file = await open(join(path, segment!), 'r+')
  // In the first frame, which has the record of the opening.
  await file.write(Buffer.from([255, 255]), 0, 2, 90)
  await file.close()
  const before = await digestOf(path)
  const health = await command(path, 'health', '--path', '.')
  expect(health.out).toMatch(/^degraded, 1 findings.*\n {2}opening has found: damage {2}\S+ at byte 64/)
  expect(await command(path, 'verify', '--path', '.')).toMatchObject({
    code: 8,
    out: expect.stringContaining(`damage  ${segment} at byte 64`) as string,
  })
  expect(Object.keys(await idsOf(path)).sort()).toEqual(['cancelled', 'completed', 'failed', 'queued'])
  expect(await digestOf(path)).toEqual(before)
})

test('a log that a process has open is refused, with whom to ask instead, and so is a folder without one', async () => {
  const path = await leftLog()
  {
    await using _ = await openWal({ path, types: testTypes, executor: 'off' })
    for (const args of [['status'], ['retry', '3']]) {
      const { code, err } = await command(path, ...args, '--path', '.')
      expect([code, err]).toEqual([1, expect.stringContaining('WAL_LOCKED')])
      expect(err).toContain('a server answers the same by ipfs-kit jobs')
    }
  }
  const file = await command(path, 'status', '--path', 'lock')
  expect([file.code, file.err]).toEqual([3, expect.stringContaining('WAL_NOT_THERE')])
  const empty = await temporaryFolder()
  for (const args of [['status'], ['cleanup']]) {
    const { code, err } = await command(empty, ...args, '--path', '.')
    expect([code, err]).toEqual([3, expect.stringContaining('WAL_NOT_THERE')])
  }
  expect(await readdir(empty)).toEqual([])
  expect(await command(empty, 'status')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--path') as string,
  })
})

/** Every file of a folder, by its path, and what is in it. */
async function digestOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const digests: [string, string][] = []
  for (const file of files.sort()) {
    digests.push([
      file,
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ])
  }
  return Object.fromEntries(digests)
}
