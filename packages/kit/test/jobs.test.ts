import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileEntry } from '@ipfs-kit/operations'
import { openKit } from '@ipfs-kit/kit'
import { describe, expect, test } from 'vitest'
import { collect } from './collect.ts'
import { jobOf, jobsOf, slowVerify } from './jobs-of.ts'
import { addFile, addFiles, openTemporaryKit } from './open-kit.ts'
import { temporaryHome } from './temporary-home.ts'

describe('a call whose work is a job', () => {
  test('answers as without it, and the job tells what was done', async () => {
    const kit = await openTemporaryKit()
    const cid = await addFile(kit, 'a.txt', 'hello')
    expect(await kit.call('pins.add', { cid, name: 'mine' })).toEqual({
      cid,
      type: 'recursive',
      name: 'mine',
    })
    expect(await kit.call('repo.gc', {})).toMatchObject({ removedBlocks: 0, keptBlocks: 1 })
    const lines = await collect(await kit.call('store.verify', {}))
    expect(lines).toMatchObject([{ items: 1, failed: 0 }])
    expect(await jobsOf(kit)).toMatchObject([
      { type: 'custom:verify', state: 'completed', percent: 100, items: 1 },
      { type: 'custom:gc', state: 'completed' },
      { type: 'pin', state: 'completed', stage: 'pinning', items: 1, attempts: 1 },
    ])
  })

  test('fails with the error of its work, and so does the job, at the first attempt', async () => {
    const kit = await openTemporaryKit()
    const cid = await addFiles(kit, { 'a/b.txt': 'hello' })
    const inner = (await kit.ipfs.files.resolve(`${cid}/b.txt`)).toString()
    await kit.ipfs.blockstore.delete(await kit.ipfs.files.resolve(inner))
    await expect(kit.call('pins.add', { cid })).rejects.toMatchObject({
      code: 'IPFS_BLOCK_NOT_FOUND',
      kind: 'not-found',
    })
    const [job] = await jobsOf(kit)
    expect(job).toMatchObject({ type: 'pin', state: 'failed', failure: { code: 'IPFS_BLOCK_NOT_FOUND' } })
  })

  test('that can be refused before anything is promised leaves no job', async () => {
    const kit = await openTemporaryKit()
    await expect(kit.call('pins.add', { cid: 'none', detach: true })).rejects.toMatchObject({
      code: 'IPFS_INVALID_CID',
    })
    expect(await jobsOf(kit)).toEqual([])
  })

  test('is cancelled by a caller who leaves, and by each of many at once', async () => {
    const kit = await openTemporaryKit()
    await addFile(kit, 'large', Buffer.alloc(1_000_000, 7))
    const reason = new Error('enough')
    const calls = Array.from({ length: 10 }, () => {
      const controller = new AbortController()
      return { controller, call: slowVerify(kit, { signal: controller.signal }) }
    })
    await jobOf(kit, ({ state }) => state === 'running')
    for (const { controller } of calls) controller.abort(reason)
    for (const { call } of calls) await expect(call).rejects.toBe(reason)
    const jobs = await jobsOf(kit)
    expect(jobs.every(({ state }) => state === 'cancelled')).toBe(true)
    expect(kit.wal.stats()).toMatchObject({ running: 0, unfinished: 0 })
  })

  test('is told when somebody else cancels or pauses the job', async () => {
    const kit = await openTemporaryKit()
    await addFile(kit, 'large', Buffer.alloc(1_000_000, 7))
    const first = expect(slowVerify(kit)).rejects.toMatchObject({ code: 'KIT_JOB_STOPPED', kind: 'conflict' })
    const { id } = await jobOf(kit, ({ state }) => state === 'running')
    expect(await kit.call('jobs.cancel', { id })).toMatchObject({ state: 'cancelled' })
    await first
    const second = expect(slowVerify(kit)).rejects.toMatchObject({ code: 'KIT_JOB_STOPPED' })
    const paused = await jobOf(kit, ({ state }) => state === 'running')
    expect(await kit.call('jobs.pause', { id: paused.id })).toMatchObject({ state: 'queued', paused: true })
    await second
    // It goes on without the caller that it had.
    expect(await kit.call('jobs.resume', { id: paused.id })).toMatchObject({ paused: false })
    await jobOf(kit, (job) => job.id === paused.id && job.state === 'running')
    expect(await kit.call('jobs.cancel', { id: paused.id })).toMatchObject({ state: 'cancelled' })
  })

  test('ends with the part that it uses, and is not tried again', async () => {
    const kit = await openTemporaryKit()
    await addFile(kit, 'large', Buffer.alloc(1_000_000, 7))
    const outcome = expect(slowVerify(kit)).rejects.toMatchObject({ code: 'KIT_PART_UNAVAILABLE' })
    await jobOf(kit, ({ state }) => state === 'running')
    await kit.call('node.restart', { part: 'ipfs' })
    await outcome
    expect(await jobsOf(kit)).toMatchObject([{ state: 'failed', failure: { code: 'KIT_PART_UNAVAILABLE' } }])
  })

  test('ends when the log of operations restarts, and the job with it', async () => {
    const kit = await openTemporaryKit()
    await addFile(kit, 'large', Buffer.alloc(1_000_000, 7))
    const outcome = expect(slowVerify(kit)).rejects.toMatchObject({ code: 'KIT_PART_UNAVAILABLE' })
    await jobOf(kit, ({ state }) => state === 'running')
    await kit.call('node.restart', { part: 'wal' })
    await outcome
    expect(await jobsOf(kit)).toMatchObject([{ type: 'custom:verify', state: 'failed' }])
    expect(await kit.call('repo.gc', {})).toMatchObject({ keptBlocks: 1 })
  })

  test('that collects garbage tells what it is at, how many blocks and how many bytes', async () => {
    const kit = await openTemporaryKit()
    await addFile(kit, 'a.txt', 'hello')
    for (let nth = 0; nth < 3; nth += 1) await kit.ipfs.blocks.put(Buffer.alloc(100, nth))
    const told: unknown[] = []
    await kit.call('repo.gc', {}, { progress: (progress) => told.push(progress) })
    expect(told[0]).toEqual({ stage: 'marking', items: 1, bytes: 0 })
    expect(told.at(-1)).toEqual({ stage: 'removing', items: 3, bytes: 300 })
    const { job } = await kit.call('repo.gc', { detach: true })
    await kit.call('jobs.wait', { id: job })
    expect(await jobsOf(kit)).toMatchObject([
      { type: 'custom:gc', state: 'completed', stage: 'removing' },
      { type: 'custom:gc', state: 'completed', stage: 'removing', items: 3, bytes: 300 },
    ])
  })

  test('collects garbage beside others that do', async () => {
    const kit = await openTemporaryKit()
    await kit.ipfs.blocks.put(Buffer.from('free'))
    const results = await Promise.all(Array.from({ length: 5 }, () => kit.call('repo.gc', {})))
    expect(results.reduce((sum, { removedBlocks }) => Math.max(sum, removedBlocks), 0)).toBe(1)
    expect((await jobsOf(kit)).map(({ state }) => state)).toEqual(
      Array.from({ length: 5 }, () => 'completed'),
    )
  })
})

describe('a log that cannot be opened', () => {
  test('keeps nobody from what needs no promise, and is there again after a restart of the part', async () => {
    const home = await temporaryHome()
    const first = await openKit({ home, role: 'command' })
    const cid = await addFile(first, 'a.txt', 'hello')
    await first.close()
    // Where the folder should be.
    await writeFile(join(home, 'log'), 'a file')
    const kit = await openTemporaryKit({ home, role: 'server' })
    expect(await kit.call('node.status', {})).toMatchObject({
      parts: [{ name: 'ipfs' }, { name: 'wal', state: 'failed' }],
    })
    expect(await kit.call('pins.add', { cid, name: 'kept' })).toMatchObject({ cid, name: 'kept' })
    expect(await addFiles(kit, { 'd/a': 'a', 'd/b': 'b' })).toMatch(/^bafy/)
    const unavailable = { code: 'KIT_PART_UNAVAILABLE', kind: 'temporary' }
    await expect(kit.call('pins.add', { cid, detach: true })).rejects.toMatchObject(unavailable)
    await expect(kit.call('jobs.list', {})).rejects.toMatchObject(unavailable)
    // It may name what unfinished jobs need.
    await expect(kit.call('repo.gc', {})).rejects.toMatchObject(unavailable)
    await rm(join(home, 'log'))
    expect(await kit.call('node.restart', { part: 'wal' })).toMatchObject({ state: 'running' })
    expect(await kit.call('repo.gc', {})).toMatchObject({ removedBlocks: 0 })
    expect(await jobsOf(kit)).toMatchObject([{ type: 'custom:gc', state: 'completed' }])
  })
})

describe('an add', () => {
  test('of one file takes no job, and a command that does nothing else makes no log', async () => {
    const kit = await openTemporaryKit()
    await addFile(kit, 'a.txt', 'hello')
    expect(existsSync(kit.home.log)).toBe(false)
    expect(await jobsOf(kit)).toEqual([])
  })

  test('of a folder is a job with the results of its items', async () => {
    const kit = await openTemporaryKit()
    const body: FileEntry[] = [
      { path: 'd/a', content: Buffer.from('a') },
      { path: 'd/b', failed: { code: 'EACCES', message: 'It cannot be read' } },
      { path: 'd/c', content: Buffer.from('c') },
    ]
    const lines = await collect(await kit.call('files.add', {}, { body }))
    const summary = lines.at(-1)
    expect(summary).toMatchObject({ items: 3, failed: 1 })
    const [job] = await jobsOf(kit)
    expect(job).toMatchObject({
      type: 'add',
      state: 'completed',
      stage: 'adding',
      bytes: 2,
      items: 3,
      failedItems: 1,
      failures: [{ name: 'd/b' }],
    })
    expect(await kit.call('jobs.show', { id: job!.id })).toMatchObject({ bytes: 2, items: 3 })
    const { result, items } = await kit.call('wal.get', { id: job!.id })
    expect(result).toEqual(summary)
    expect(items).toMatchObject({ done: 3, failed: 1 })
  })

  test('of paths of any length and letters is told as short as the log wants it', async () => {
    const kit = await openTemporaryKit()
    const long = `${'漢\u0001'.repeat(3000)}end`
    const failed = { code: 'E'.repeat(3000), message: long }
    const body: FileEntry[] = [
      { path: 'a' },
      { path: long, content: Buffer.from('a') },
      { path: `b/${long}`, failed },
    ]
    const lines = await collect(await kit.call('files.add', {}, { body }))
    expect(lines.at(-1)).toMatchObject({ items: 2, failed: 1 })
    const [job] = await jobsOf(kit)
    const { items } = await kit.call('wal.get', { id: job!.id })
    expect(items?.results.map(({ name }) => name.slice(-3)).toSorted()).toEqual(['.', 'a', 'end', 'end'])
  })

  test('of several files is a job from the second one on, and is cancelled by another call', async () => {
    const kit = await openTemporaryKit()
    const sent = Promise.withResolvers<void>()
    async function* body(): AsyncGenerator<FileEntry> {
      yield { path: 'a', content: Buffer.from('a') }
      yield { path: 'b', content: Buffer.from('b') }
      await sent.promise
    }
    const adding = collect(await kit.call('files.add', {}, { body: body() }))
    const outcome = expect(adding).rejects.toMatchObject({ code: 'KIT_JOB_STOPPED' })
    const { id } = await jobOf(kit, ({ state }) => state === 'running')
    expect(await kit.call('jobs.cancel', { id })).toMatchObject({ type: 'add', state: 'cancelled' })
    await outcome
    expect(await collect(await kit.call('pins.ls', {}))).toEqual([])
    await expect(kit.call('jobs.retry', { id })).resolves.toMatchObject({ state: 'queued' })
    expect(await kit.call('jobs.wait', { id })).toMatchObject({
      state: 'failed',
      // What job it was is told beside it, as is how to try any job again: only this says that that is of no use.
      failure: { code: 'KIT_CALLER_GONE', message: expect.stringContaining('call it again with them') },
    })
  })

  test('is promised by the call that brings the files, and not by itself', async () => {
    const kit = await openTemporaryKit()
    await expect(kit.call('wal.append', { type: 'add' })).rejects.toMatchObject({
      code: 'WAL_PARAMS_INVALID',
      message: expect.stringContaining('the files come with a call of files.add'),
    })
    expect(await jobsOf(kit)).toEqual([])
  })

  test('that nobody reads to its end is cancelled', async () => {
    const kit = await openTemporaryKit()
    const body = ['a', 'b', 'c'].map((name) => ({ path: `d/${name}`, content: Buffer.from(name) }))
    for await (const line of await kit.call('files.add', {}, { body })) if ('path' in line) break
    expect(await jobsOf(kit)).toMatchObject([{ type: 'add', state: 'cancelled' }])
    expect(await collect(await kit.call('pins.ls', {}))).toEqual([])
  })
})

describe('a detached call', () => {
  test('answers with its job at once, and does its work', async () => {
    const kit = await openTemporaryKit()
    const cid = await addFiles(kit, { 'd/a': 'a', 'd/b': 'b' })
    for await (const _ of kit.ipfs.pins.rm(await kit.ipfs.files.resolve(cid)));
    const { job } = await kit.call('pins.add', { cid, name: 'mine', detach: true })
    expect(await kit.call('jobs.wait', { id: job })).toMatchObject({ state: 'completed', items: 3 })
    expect(await collect(await kit.call('pins.ls', {}))).toEqual([{ cid, type: 'recursive', name: 'mine' }])
    expect((await kit.call('wal.get', { id: job })).result).toEqual({ cid, type: 'recursive', name: 'mine' })
    const [line] = await collect(await kit.call('store.verify', { detach: true }))
    expect(await kit.call('jobs.wait', { id: line!.job })).toMatchObject({ state: 'completed', items: 3 })
  })

  test('pins what its path led to when it was asked', async () => {
    const kit = await openTemporaryKit()
    const cid = await addFiles(kit, { 'd/a': 'a' })
    const inner = (await kit.ipfs.files.resolve(`${cid}/a`)).toString()
    const { job } = await kit.call('pins.add', { cid: `/ipfs/${cid}/a`, detach: true })
    expect((await kit.call('wal.get', { id: job })).params).toMatchObject({ cid: inner })
  })

  test('goes on when the home is opened again', async () => {
    const home = await temporaryHome()
    const first = await openKit({ home, role: 'server' })
    await addFile(first, 'large', Buffer.alloc(1_000_000, 7))
    const [line] = await collect(await first.call('store.verify', { bytesPerSecond: 1, detach: true }))
    await jobOf(first, ({ state }) => state === 'running')
    await first.close()
    const kit = await openTemporaryKit({ home, role: 'server' })
    const job = await jobOf(kit, ({ state }) => state === 'running')
    // To be interrupted by the end of the server is no failure.
    expect(job).toMatchObject({ id: line!.job, attempts: 2, maxAttempts: 6 })
    expect(await kit.call('jobs.cancel', { id: job.id })).toMatchObject({ state: 'cancelled' })
  })

  test('is tried again when the part that it uses has restarted', async () => {
    const kit = await openTemporaryKit()
    await addFile(kit, 'large', Buffer.alloc(1_000_000, 7))
    const [line] = await collect(await kit.call('store.verify', { bytesPerSecond: 1, detach: true }))
    const id = line!.job
    await jobOf(kit, ({ state }) => state === 'running')
    await kit.call('node.restart', { part: 'ipfs' })
    // More than twice if it was too early.
    expect(await jobOf(kit, (job) => job.attempts > 1 && job.state === 'running')).toMatchObject({ id })
    await kit.call('jobs.cancel', { id })
  })

  test('keeps what it needs from a collection until it is cancelled', async () => {
    const kit = await openTemporaryKit()
    await addFile(kit, 'large', Buffer.alloc(1_000_000, 7))
    // As many as run at once: what is promised after them waits.
    for (let number = 0; number < 4; number += 1)
      await collect(await kit.call('store.verify', { bytesPerSecond: 1, detach: true }))
    const body = ['a', 'b'].map((name) => ({ path: `d/${name}`, content: Buffer.from(name) }))
    const lines = await collect(await kit.call('files.add', { pin: false }, { body }))
    const { cid } = lines.at(-1) as { cid: string }
    const { job } = await kit.call('pins.add', { cid, detach: true })
    expect(await kit.call('jobs.pause', { id: job })).toMatchObject({ attempts: 0, paused: true })
    // What is not here stops no collection.
    const absent = await kit.call('pins.add', { cid: absentCid, detach: true })
    expect(await kit.call('jobs.pause', { id: absent.job })).toMatchObject({ attempts: 0, paused: true })
    expect(await kit.call('repo.gc', {})).toMatchObject({ removedBlocks: 0, keptBlocks: 4 })
    expect(await kit.call('jobs.cancel', { id: job })).toMatchObject({ state: 'cancelled' })
    expect(await kit.call('repo.gc', {})).toMatchObject({ removedBlocks: 3, keptBlocks: 1 })
  })
})

/** Of a folder that nobody has added. */
const absentCid = 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'
