import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Disk, DiskError, simDisk } from '@ipfs-kit/disk'
import { openWal, type WalStats } from '@ipfs-kit/wal'
import { walOperations } from '@ipfs-kit/wal/operations'
import { doorsOf } from '@ipfs-kit/operations'
import { expect, test } from 'vitest'
import { callerOf, collect, finished, servedWal, testTypes, textOf } from './served-wal.ts'

test('append promises an operation once for a key, and get shows what became of it', async () => {
  const { call, wal } = await servedWal()
  const asked = { type: 'custom:done', params: '{"text":"x"}', key: 'k', priority: 7 }
  const first = await call('wal.append', asked)
  expect(first).toMatchObject({ isNew: true, operation: { type: 'custom:done', priority: 7, key: 'k' } })
  const { id } = first.operation
  expect(await call('wal.append', asked)).toMatchObject({ isNew: false, operation: { id } })
  await wal.wait(id)
  expect(await call('wal.get', { id })).toMatchObject({ state: 'completed', result: { text: 'x' } })
})

test('append waits for what an operation comes after, and until it may begin', async () => {
  const { call, wal } = await servedWal()
  const later = { type: 'custom:done', notBefore: '2999-01-01T00:00:00Z' }
  const first = await call('wal.append', later)
  const second = await call('wal.append', { type: 'custom:done', after: String(first.operation.id) })
  expect(await wal.get(second.operation.id)).toMatchObject({ state: 'queued', waitingFor: 1 })
  expect(await wal.get(first.operation.id)).toMatchObject({ dueAt: Date.parse('2999-01-01T00:00:00Z') })
})

test('append refuses types without a handler, and parameters that are no JSON or not of the type', async () => {
  const { call } = await servedWal()
  await expect(call('wal.append', { type: 'custom:none' })).rejects.toMatchObject({
    code: 'WAL_TYPE_UNKNOWN',
  })
  await expect(call('wal.append', { type: 'nonsense' })).rejects.toMatchObject({ code: 'WAL_TYPE_UNKNOWN' })
  for (const params of ['{', '{"text":1}', '[]']) {
    await expect(call('wal.append', { type: 'custom:done', params })).rejects.toMatchObject({
      code: 'WAL_PARAMS_INVALID',
    })
  }
})

test.each([
  ['a timeout of more than 30 days', 'wal.append', { type: 'custom:done', timeoutMs: 2_592_000_001 }],
  ['an id that is 0', 'wal.append', { type: 'custom:done', after: '0' }],
  ['1,001 ids', 'wal.append', { type: 'custom:done', after: `1${',1'.repeat(1000)}` }],
  ['a beginning before 1970', 'wal.append', { type: 'custom:done', notBefore: '1969-12-31T23:59:59Z' }],
  ['an end before 1970', 'wal.append', { type: 'custom:done', expiresAt: '1970-01-01T00:00:00+01:00' }],
  ['the first year', 'wal.list', { createdAfter: '0001-01-01T00:00:00Z' }],
  ['a promise before 1970', 'jobs.list', { createdBefore: '1960-01-01T00:00:00Z' }],
  ['what ended before 1970', 'wal.delete', { finishedBefore: '1960-01-01T00:00:00Z' }],
] as const)('%s is refused by %s as input, as the log would not take it', async (_what, name, input) => {
  const { call } = await servedWal()
  await expect(call(name, input)).rejects.toMatchObject({ code: 'OPERATION_INVALID_INPUT' })
})

test('append takes as many ids to come after, and as long a timeout, as the log does', async () => {
  const { call, wal } = await servedWal()
  const ids = await finished(wal, 1000)
  const asked = { type: 'custom:done', after: ids.join(), timeoutMs: 2_592_000_000 }
  const { operation } = await call('wal.append', asked)
  expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed', after: ids })
})

test('list pages through operations, the newest first, and filters them', async () => {
  const { call, wal } = await servedWal()
  const ids: number[] = []
  for (const type of ['custom:done', 'custom:fails', 'custom:done'] as const) {
    const { operation } = await wal.append({
      type,
      params: {},
      ...(type === 'custom:fails' && { backend: 's3' }),
    })
    ids.push(operation.id)
    await wal.wait(operation.id)
  }
  const page = await call('wal.list', { limit: 2 })
  expect(page.operations.map(({ id }) => id)).toEqual(ids.slice(1).reverse())
  const rest = await call('wal.list', { limit: 2, before: page.next! })
  expect(rest.operations.map(({ id }) => id)).toEqual(ids.slice(0, 1))
  expect((await call('wal.list', { state: 'failed' })).operations.map(({ id }) => id)).toEqual([ids[1]])
  expect((await call('wal.list', { state: 'finished', backend: '' })).operations).toHaveLength(2)
  expect((await call('wal.list', { state: 'unfinished' })).operations).toEqual([])
  expect((await call('wal.list', { type: 'custom:fails', backend: 's3' })).operations).toHaveLength(1)
  expect((await call('wal.list', { createdBefore: '2000-01-01T00:00:00Z' })).operations).toEqual([])
})

test('retry queues what has failed again, and cancel ends what has not', async () => {
  const { call, wal } = await servedWal()
  const { operation } = await wal.append({ type: 'custom:fails', params: {} })
  await wal.wait(operation.id)
  expect(await call('wal.retry', { id: operation.id })).toMatchObject({ state: 'queued', attemptCount: 1 })
  expect(await wal.wait(operation.id)).toMatchObject({ attemptCount: 2 })
  const endless = await wal.append({ type: 'custom:endless', params: {} })
  const { id } = endless.operation
  expect(await call('wal.cancel', { id, reason: 'not needed' })).toMatchObject({
    state: 'cancelled',
    failure: { message: 'not needed' },
  })
  await expect(call('wal.cancel', { id })).rejects.toMatchObject({ code: 'WAL_STATE' })
  await expect(call('wal.get', { id: 999 })).rejects.toMatchObject({ code: 'WAL_NOT_FOUND' })
})

test('delete removes what has ended in the way that is named, and nothing else', async () => {
  const { call, wal } = await servedWal()
  for (const type of ['custom:done', 'custom:fails', 'custom:endless'] as const) {
    const { operation } = await wal.append({ type, params: {} })
    if (type !== 'custom:endless') await wal.wait(operation.id)
  }
  expect(await call('wal.delete', { finishedBefore: '2000-01-01T00:00:00Z' })).toEqual({ operations: 0 })
  expect(await call('wal.delete', { state: 'failed' })).toEqual({ operations: 1 })
  expect(await call('wal.delete', {})).toEqual({ operations: 1 })
  expect((await wal.list()).operations.map(({ type }) => type)).toEqual(['custom:endless'])
})

test('archive writes what it removes to a file first, and nothing else', async () => {
  const { call, wal } = await servedWal()
  const ids = await finished(wal, 250)
  const endless = await wal.append({ type: 'custom:endless', params: {} })
  const report = await call('wal.archive', {})
  const lines = (await readFile(report.file!, 'utf8')).trimEnd().split('\n')
  expect(report).toMatchObject({ operations: 250, bytes: Buffer.byteLength(`${lines.join('\n')}\n`) })
  expect(lines.map((line) => (JSON.parse(line) as { id: number }).id).sort((a, b) => a - b)).toEqual(ids)
  expect((await wal.list()).operations.map(({ id }) => id)).toEqual([endless.operation.id])
  expect(await call('wal.archive', {})).toEqual({ operations: 0, bytes: 0 })
})

test('replay tells the records of the log from an LSN on, as they were written', async () => {
  const { call, wal } = await servedWal()
  const { operation } = await wal.append({ type: 'custom:done', params: { text: 'x' } })
  await wal.wait(operation.id)
  const all = await collect(await call('wal.replay', {}))
  expect(all.map(({ record }) => record.kind)).toEqual(['open', 'add', 'start', 'complete'])
  expect(all[1]).toMatchObject({ lsn: operation.id, record: { params: { text: 'x' } } })
  const some = await collect(await call('wal.replay', { from: 2, limit: 2 }))
  expect(some.map(({ lsn }) => lsn)).toEqual([2, 3])
})

test('stats, config, health and verify tell how the log is', async () => {
  const { call, wal } = await servedWal({ concurrency: 3 })
  const { operation } = await wal.append({ type: 'custom:done', params: {} })
  await wal.wait(operation.id)
  await wal.get(operation.id)
  expect(await call('wal.stats', {})).toMatchObject({
    epoch: 1,
    completed: 1,
    log: { state: 'open', mode: 'always' },
    operations: [{ state: 'completed', type: 'custom:done', backend: '', operations: 1 }],
  })
  expect(await call('wal.config', {})).toMatchObject({ concurrency: 3, maxFollowed: 1000, executor: 'on' })
  expect(await call('wal.health', {})).toMatchObject({ state: 'healthy', problems: [] })
  expect(await call('wal.verify', {})).toMatchObject({
    ...{ isWhole: true, findings: [], records: 4 },
    index: { operations: 1, wrong: [] },
  })
  expect(await call('wal.rebuild-index', {})).toEqual({ operations: 1 })
})

test('a full volume is told by health and stats until something can be written again', async () => {
  const disk = simDisk({ seed: 1 })
  const { wal, call } = await servedWal({ path: '/log', disk, index: 'memory', segmentBytes: 65_536 })
  disk.setFaults({ capacityBytes: disk.stats().usedBytes })
  const append = () => call('wal.append', { type: 'custom:done', notBefore: '2999-01-01T00:00:00Z' })
  const untilRefused = async (): Promise<never> => {
    for (;;) await append()
  }
  await expect(untilRefused()).rejects.toMatchObject({ code: 'WAL_FULL' })
  expect(await call('wal.health', {})).toMatchObject({
    state: 'degraded',
    problems: [expect.stringContaining('the volume is full')],
  })
  expect(await call('wal.stats', {})).toMatchObject({ refused: expect.stringContaining('is full') })
  disk.setFaults({ capacityBytes: 1024 ** 3 })
  await append()
  expect(await call('wal.health', {})).toMatchObject({ state: 'healthy', problems: [] })
  expect(await call('wal.stats', {})).not.toHaveProperty('refused')
  await wal.close()
})

test('a loss that opening has found is told by findings and health', async () => {
  const { wal, path } = await servedWal()
  await finished(wal, 5)
  await wal.close()
  const [segment] = (await readdir(path)).filter((name) => name.endsWith('.wal'))
  const file = await open(join(path, segment!), 'r+')
  // In the frame of what was promised, behind which there are others.
  const promised = (await readFile(join(path, segment!))).indexOf('"add"')
  await file.write(Buffer.from([255, 255]), 0, 2, promised)
  await file.close()
  await rm(join(path, 'index.sqlite'))
  const { wal: again, call } = await servedWal({ path })
  expect(again.findings).toMatchObject([{ kind: 'damage', segment, firstLost: 2 }, { kind: 'index' }])
  const { state, problems, findings } = await call('wal.health', {})
  expect(state).toBe('degraded')
  expect(problems).toEqual([expect.stringMatching(/^opening has found: damage .* lost LSN 2 to/)])
  expect(findings).toEqual(again.findings)
})

test('a torn tail and an index that is made anew are found, and are no loss', async () => {
  const { wal, path } = await servedWal()
  const [id] = await finished(wal, 1)
  await wal.close()
  const [segment] = (await readdir(path)).filter((name) => name.endsWith('.wal'))
  const bytes = await readFile(join(path, segment!))
  // The completion is cut in its middle: it was never acknowledged as far as the log can tell.
  const end = bytes.lastIndexOf('complete')
  await writeFile(join(path, segment!), bytes.fill(0, end))
  await rm(join(path, 'index.sqlite'))
  const { wal: again, call } = await servedWal({ path, executor: 'off' })
  expect(again.findings.map(({ kind }) => kind)).toEqual(['torn-tail', 'index'])
  expect(await again.get(id!)).toMatchObject({ state: 'retrying' })
  expect(await call('wal.health', {})).toMatchObject({ state: 'healthy', problems: [] })
})

test('stats tell of checkpoints, and health why the last one failed', async () => {
  const sim = simDisk({ seed: 1 })
  let isFailing = false
  const disk: Disk = {
    ...sim,
    async rename(from, to) {
      if (isFailing && to.endsWith('/snapshot')) throw new DiskError('DISK_IO', 'The test lets it fail')
      await sim.rename(from, to)
    },
  }
  await using wal = await openWal({ path: '/log', disk, types: testTypes, segmentBytes: 65_536 })
  const { call } = callerOf(wal)
  const until = async (isSeen: (store: WalStats['store']) => boolean): Promise<void> => {
    while (!isSeen(wal.stats().store)) {
      await wal.append({ type: 'custom:done', params: { text: 'x'.repeat(4000) } })
    }
  }
  await until(({ checkpoints }) => checkpoints > 0)
  const { store } = await call('wal.stats', {})
  expect(store).toMatchObject({ snapshotLsn: expect.any(Number) as number, slowed: 0 })
  expect(await call('wal.health', {})).toMatchObject({ state: 'healthy', problems: [] })
  isFailing = true
  await until(({ checkpointFailure }) => checkpointFailure !== undefined)
  expect(await call('wal.stats', {})).toMatchObject({ store: { checkpointFailure: { code: 'WAL_IO' } } })
  const health = await call('wal.health', {})
  expect(health).toMatchObject({
    state: 'degraded',
    problems: [expect.stringContaining('no snapshot can be written: WAL_IO')],
  })
})

test('health tells which backend does not answer, and why', async () => {
  const { call, wal } = await servedWal({
    backends: { s3: { degradedAfter: 1, offlineAfter: 1 } },
    types: {
      'custom:done': {
        params: (await import('zod')).z.object({}),
        maxAttempts: 1,
        run() {
          throw new Error('connection refused')
        },
      },
    },
  })
  const { operation } = await wal.append({ type: 'custom:done', params: {}, backend: 's3' })
  await wal.wait(operation.id)
  for await (const { state } of wal.followBackends()) if (state === 'offline') break
  const health = await call('wal.health', {})
  expect(health).toMatchObject({ state: 'degraded', backends: [{ backend: 's3', state: 'offline' }] })
  expect(health.problems.join()).toContain('connection refused')
})

test('export gives all operations of a filter as JSON lines', async () => {
  const { call, wal } = await servedWal()
  await finished(wal, 210)
  const answer = await call('wal.export', {})
  expect(answer.mediaType).toBe('application/x-ndjson')
  const lines = (await textOf(answer)).trimEnd().split('\n')
  const texts = lines.map((line) => (JSON.parse(line) as { params: { text: string } }).params.text)
  expect(texts).toEqual(Array.from({ length: 210 }, (_, nth) => String(209 - nth)))
  expect(await textOf(await call('wal.export', { state: 'failed' }))).toBe('')
})

test('only listing, showing, cancelling and retrying of jobs are tools for agents', () => {
  const tools = walOperations.filter((entry) => doorsOf(entry).includes('mcp')).map(({ name }) => name)
  expect(tools).toEqual(['jobs.list', 'jobs.show', 'jobs.cancel', 'jobs.retry'])
})

test('what reads needs the scope content:read, what removes records the scope admin', () => {
  for (const { name, effect, scope } of walOperations) {
    if (effect === 'read') expect([name, scope]).toEqual([name, 'content:read'])
    else expect([name, scope]).not.toEqual([name, 'content:read'])
  }
  const admin = walOperations.filter(({ scope }) => scope === 'admin').map(({ name }) => name)
  expect(admin).toEqual(['wal.delete', 'wal.archive', 'wal.rebuild-index'])
})

test('each answers what its schema says, and nothing else', async () => {
  const { call, wal } = await servedWal()
  const { operation } = await wal.append({ type: 'custom:partial', params: {}, key: 'k', backend: 's3' })
  await wal.wait(operation.id)
  const failed = await wal.append({ type: 'custom:fails', params: {} })
  await wal.wait(failed.operation.id)
  const { id } = operation
  const answers: { readonly [name: string]: () => Promise<unknown> } = {
    'wal.append': () => call('wal.append', { type: 'custom:done' }),
    'wal.list': () => call('wal.list', {}),
    'wal.get': () => call('wal.get', { id }),
    'wal.stats': () => call('wal.stats', {}),
    'wal.config': () => call('wal.config', {}),
    'wal.health': () => call('wal.health', {}),
    'wal.verify': () => call('wal.verify', {}),
    'jobs.list': () => call('jobs.list', {}),
    'jobs.show': () => call('jobs.show', { id }),
    'jobs.wait': () => call('jobs.wait', { id }),
    'wal.retry': () => call('wal.retry', { id: failed.operation.id }),
    'wal.delete': () => call('wal.delete', {}),
    'wal.archive': () => call('wal.archive', {}),
  }
  for (const [name, ask] of Object.entries(answers)) {
    const { output } = walOperations.find((one) => one.name === name)!
    const answer: unknown = JSON.parse(JSON.stringify(await ask()))
    expect([name, output.parse(answer)]).toEqual([name, answer])
  }
})
