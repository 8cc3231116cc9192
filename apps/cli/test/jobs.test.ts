import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileEntry } from '@ipfs-kit/operations'
import { describe, expect, test } from 'vitest'
import { jsonLines, run, start } from './command.ts'
import { all, startServer, type TestServer } from './server.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

type Job = Awaited<ReturnType<typeof jobsOf>>[number]

async function jobsOf({ client }: TestServer) {
  return (await client.call('jobs.list', {})).jobs
}

/** A job, as soon as it is such a one. */
async function jobWhen(server: TestServer, isSuch: (job: Job) => boolean): Promise<Job> {
  let found: Job | undefined
  await expect
    .poll(async () => (found = (await jobsOf(server)).find(isSuch)), { interval: 5, timeout: 100_000 })
    .toBeDefined()
  return found!
}

/** Adds so many small files in folders, without a pin; answers the root. */
async function addTree({ client }: TestServer, files: number): Promise<string> {
  const body = Array.from({ length: files }, (_, number) => ({
    path: `tree/${number % 97}/${number}`,
    content: Buffer.from(`file ${number} of ${files}`),
  }))
  const lines = await all(await client.call('files.add', { pin: false }, { body }))
  return (lines.at(-1) as { cid: string }).cid
}

/** An add of two files whose sender stops in the middle. */
function stalledAdd({ client }: TestServer): Promise<unknown> {
  async function* body(): AsyncGenerator<FileEntry> {
    yield { path: 'd/a', content: Buffer.from('a') }
    yield {
      path: 'd/b',
      content: (async function* () {
        yield Buffer.alloc(200_000, 1)
        await new Promise(() => {})
      })(),
    }
  }
  return client.call('files.add', {}, { body: body() }).then((lines) => all(lines))
}

describe('a kill -9 of the server', () => {
  test('in the middle of a detached pin of a large DAG: the next server pins it', async () => {
    const home = temporaryHome()
    let server = await startServer({ home })
    const cid = await addTree(server, 20_000)
    const { job } = await server.client.call('pins.add', { cid, name: 'large', detach: true })
    await jobWhen(server, ({ id, state, items = 0 }) => id === job && state === 'running' && items > 0)
    server.process.kill('SIGKILL')
    await server.process.ended

    server = await startServer({ home })
    const done = await server.client.call('jobs.wait', { id: job })
    expect(done).toMatchObject({ type: 'pin', state: 'completed', attempts: 2 })
    expect(await all(await server.client.call('pins.ls', {}))).toEqual([
      { cid, type: 'recursive', name: 'large' },
    ])
    // With all that is below it: nothing is collected of it.
    const { removedBlocks, keptBlocks } = await server.client.call('repo.gc', {})
    expect({ removedBlocks, keptBlocks }).toEqual({ removedBlocks: 0, keptBlocks: 20_000 + 97 + 1 })
    await server.stop()
  })

  test('in the middle of a detached verification: the next server goes on behind the last pack that was checked', async () => {
    const home = temporaryHome()
    mkdirSync(home)
    writeFileSync(join(home, 'config.toml'), '[blocks]\nmaxBytes = 33554432\nminFreeBytes = 0\n')
    let server = await startServer({ home })
    // Packs of 2 MiB.
    const body = Array.from({ length: 9 }, (_, number) => ({
      path: `d/${number}`,
      content: Buffer.alloc(1_000_000, number),
    }))
    await all(await server.client.call('files.add', {}, { body }))
    const input = { bytesPerSecond: 1_200_000, detach: true } as const
    const [line] = await all(await server.client.call('store.verify', input))
    const job = line!.job
    let checkpoint: { pack: number; items: number; packs: number } | undefined
    await expect
      .poll(
        async () => {
          const operation = await server.client.call('wal.get', { id: job })
          return (checkpoint = operation.checkpoint as typeof checkpoint)
        },
        { interval: 5, timeout: 60_000 },
      )
      .toBeDefined()
    server.process.kill('SIGKILL')
    await server.process.ended

    server = await startServer({ home })
    const again = await jobWhen(
      server,
      ({ id, attempts, bytes = 0 }) => id === job && attempts === 2 && bytes > 0,
    )
    expect(again.items).toBeGreaterThanOrEqual(checkpoint!.items)
    expect(await server.client.call('jobs.wait', { id: job })).toMatchObject({
      state: 'completed',
      attempts: 2,
    })
    const { result } = await server.client.call('wal.get', { id: job })
    expect(result).toMatchObject({ items: 10, failed: 0 })
    await server.stop()
  })

  test('in the middle of an add of a folder: the job has failed, and is not begun again without its files', async () => {
    const home = temporaryHome()
    let server = await startServer({ home })
    const adding = stalledAdd(server).catch((error: unknown) => error)
    const { id } = await jobWhen(server, ({ type, state }) => type === 'add' && state === 'running')
    server.process.kill('SIGKILL')
    expect(await adding).toMatchObject({ code: 'CLIENT_DISCONNECTED' })

    server = await startServer({ home })
    expect(await server.client.call('jobs.show', { id })).toMatchObject({
      type: 'add',
      state: 'failed',
      attempts: 1,
    })
    await server.client.call('jobs.retry', { id })
    expect(await server.client.call('jobs.wait', { id })).toMatchObject({
      state: 'failed',
      failure: { code: 'KIT_CALLER_GONE' },
    })
    expect(await all(await server.client.call('pins.ls', {}))).toEqual([])
    await server.stop()
  })
})

test('a running add is listed, shown and cancelled by commands, and its caller is told', async () => {
  const server = await startServer()
  const { home } = server
  const adding = expect(stalledAdd(server)).rejects.toMatchObject({
    code: 'KIT_JOB_STOPPED',
    kind: 'conflict',
  })
  const { id } = await jobWhen(server, ({ type, state }) => type === 'add' && state === 'running')
  const [page] = jsonLines<{ jobs: { id: number; type: string }[] }>(
    (await run(['jobs', 'list', '--state', 'unfinished', '--json'], { home })).stdout,
  )
  expect(page?.jobs).toMatchObject([{ id, type: 'add' }])
  expect((await run(['jobs', 'show', `${id}`], { home })).stdout).toContain(`${id}  add  running`)
  const waiting = run(['jobs', 'wait', `${id}`], { home })
  const cancelled = await run(['jobs', 'cancel', `${id}`, '--json'], { home })
  expect(jsonLines(cancelled.stdout)).toMatchObject([{ id, state: 'cancelled' }])
  await adding
  expect((await waiting).stdout).toContain('cancelled')
  expect(await server.stop()).toMatchObject({ code: 0 })
})

test('a detached command answers with its job, which other commands pause, resume, wait for and follow', async () => {
  const server = await startServer()
  const { home } = server
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), Buffer.alloc(1_000_000, 7))
  expect(await run(['add', folder], { home })).toMatchObject({ code: 0 })
  const detached = await run(['store', 'verify', '--bytes-per-second', '1', '--detach'], { home })
  const id = /^job {2}(\d+)\n$/.exec(detached.stdout)?.[1] ?? ''
  expect(detached).toMatchObject({ code: 0, stdout: `job  ${id}\n` })
  const following = start(['jobs', 'follow', '--json'], { home })
  // The first line says from where on it follows.
  await following.line((line) => line.includes('"lsn"'))
  expect(await run(['jobs', 'pause', id], { home })).toMatchObject({ code: 0 })
  await following.line((line) => line.includes('"paused":true'))
  expect((await run(['jobs', 'show', id], { home })).stdout).toContain('(paused)')
  expect(await run(['jobs', 'resume', id], { home })).toMatchObject({ code: 0 })
  await following.line((line) => line.includes('"state":"running"'))
  expect(await run(['jobs', 'cancel', id], { home })).toMatchObject({ code: 0 })
  await following.line((line) => line.includes('"state":"cancelled"'))
  following.kill('SIGINT')
  await following.ended
  expect(await server.stop()).toMatchObject({ code: 0 })
})

test('without a server a detached job waits for one, or for the next command that needs the log', async () => {
  const home = temporaryHome()
  const folder = temporaryFolder()
  for (const name of ['a', 'b']) writeFileSync(join(folder, name), name)
  const { stdout } = await run(['add', folder, '--no-pin', '--json'], { home })
  const cid = jsonLines<{ cid?: string }>(stdout).at(-1)?.cid ?? ''
  const detached = await run(['pin', 'add', cid, '--detach', '--json'], { home })
  const [{ job } = { job: 0 }] = jsonLines<{ job: number }>(detached.stdout)
  const server = await startServer({ home })
  expect(await server.client.call('jobs.wait', { id: job })).toMatchObject({
    type: 'pin',
    state: 'completed',
  })
  expect(await all(await server.client.call('pins.ls', {}))).toMatchObject([{ cid }])
  await server.stop()
})
