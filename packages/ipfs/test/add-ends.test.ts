import type { AddEntry } from '@ipfs-kit/ipfs'
import { expect, it } from 'vitest'
import {
  added,
  all,
  addFile,
  bytesOf,
  drain,
  expectNothingKept,
  failing,
  opened,
  pattern,
  read,
  rejection,
  stalled,
} from './opened.ts'

/** Files, nested folders and an empty one, with contents of several chunks; some are streams. */
function tree(): AddEntry[] {
  async function* stream(bytes: Uint8Array) {
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
  }
  return [
    { path: 'top/a', content: pattern(50, 1) },
    { path: 'top/stream', content: stream(pattern(50, 2)) },
    { path: 'top/sub/b', content: pattern(50, 3) },
    { path: 'top/sub/c', content: stream(pattern(20, 4)) },
    { path: 'top/none' },
  ]
}

it('ends with what a content fails with; then nothing is kept', async () => {
  const { ipfs } = await opened()
  const error = new Error('the connection was lost')
  const work = added(ipfs, [
    { path: 'top/a', content: pattern(100_000) },
    { path: 'top/b', content: failing(error, pattern(3_000_000)) },
    { path: 'top/c', content: pattern(100_000, 2) },
  ])
  expect(await rejection(work)).toBe(error)
  await expectNothingKept(ipfs)
})

it('ends with what the source of entries fails with; then nothing is kept', async () => {
  const { ipfs } = await opened()
  const error = new Error('the folder is gone')
  async function* entries(): AsyncGenerator<AddEntry> {
    yield { path: 'a', content: pattern(1000) }
    yield { path: 'b', content: pattern(1000, 2) }
    throw error
  }
  expect(await rejection(added(ipfs, entries()))).toBe(error)
  await expectNothingKept(ipfs)
})

it('keeps the blocks that were there before an add that fails', async () => {
  const { ipfs } = await opened()
  const kept = await addFile(ipfs, pattern(3_000_000))
  const before = await ipfs.repo.stat()
  const error = new Error('lost')
  const again = added(ipfs, [
    { path: 'a', content: failing(error, pattern(3_000_000), pattern(2_000_000, 9)) },
  ])
  expect(await rejection(again)).toBe(error)
  const { removedBlocks } = await ipfs.repo.gc()
  expect(removedBlocks).toBeGreaterThan(0)
  const { blocks, bytes, pins } = before
  expect(await ipfs.repo.stat()).toMatchObject({ blocks, bytes, pins })
  expect((await read(ipfs, kept)).equals(pattern(3_000_000))).toBe(true)
})

it('keeps the blocks that another add has written too when it fails', async () => {
  const { ipfs } = await opened()
  const content = pattern(3_000_000)
  const gate = stalled(content)
  const abort = new AbortController()
  const failingAdd = rejection(added(ipfs, [{ path: 'a', content: gate.content }], { signal: abort.signal }))
  await gate.reached
  const cid = await addFile(ipfs, content)
  abort.abort()
  await failingAdd
  expect((await read(ipfs, cid)).equals(content)).toBe(true)
})

it('aborted after any number of steps rejects with the reason, untouched, and keeps nothing', async () => {
  const { ipfs: counting } = await opened()
  let steps = 0
  await added(counting, tree(), { chunkBytes: 8, onProgress: () => (steps += 1) })
  const blocks = counting.stats().blocksWritten
  expect(blocks).toBeGreaterThan(25)

  const { ipfs } = await opened()
  for (let at = 0; at <= steps; at += 1) {
    const abort = new AbortController()
    const reason = new Error(`at step ${at}`)
    if (at === 0) abort.abort(reason)
    let step = 0
    const onProgress = (): void => {
      step += 1
      if (step === at) abort.abort(reason)
    }
    const error = await rejection(added(ipfs, tree(), { chunkBytes: 8, signal: abort.signal, onProgress }))
    expect(error).toBe(reason)
    await expectNothingKept(ipfs)
  }
})

it('aborted after any number of puts rejects with the reason, untouched, and keeps nothing', async () => {
  const { ipfs: counting } = await opened()
  await added(counting, tree(), { chunkBytes: 8 })
  const blocks = counting.stats().blocksWritten
  const { ipfs } = await opened()
  for (let at = 0; at < blocks; at += 1) {
    const abort = new AbortController()
    const reason = { at }
    const start = ipfs.stats().blocksWritten
    // Looks after each turn of the event loop: blocks are written in turns of their own.
    const watch = (): void => {
      if (ipfs.stats().blocksWritten - start >= at) abort.abort(reason)
      else if (!abort.signal.aborted) timer = setImmediate(watch)
    }
    let timer = setImmediate(watch)
    const error = await added(ipfs, tree(), { chunkBytes: 8, signal: abort.signal }).then(
      () => 'done',
      (thrown: unknown) => thrown,
    )
    clearImmediate(timer)
    if (error === 'done') {
      await drain(ipfs.pins.rm((await all(ipfs.pins.ls()))[0]!.cid))
      await ipfs.repo.gc()
    } else expect(error).toBe(reason)
    await expectNothingKept(ipfs)
  }
})

it('left by its reader after any number of items keeps nothing', async () => {
  const { ipfs: counting } = await opened()
  const all = (await added(counting, tree(), { chunkBytes: 8 })).items.length
  const { ipfs } = await opened()
  for (let items = 0; items <= all; items += 1) {
    const lines = ipfs.files.add(tree(), { chunkBytes: 8 })
    for (let at = 0; at < items; at += 1) expect((await lines.next()).done).toBe(false)
    await lines.return()
    await expectNothingKept(ipfs)
  }
})

it('ends a wait for a source of entries that gives nothing more when it is aborted', async () => {
  const { ipfs } = await opened()
  const abort = new AbortController()
  const reason = new Error('enough')
  const waiting = Promise.withResolvers<void>()
  async function* entries(): AsyncGenerator<AddEntry> {
    yield { path: 'a', content: pattern(1000) }
    waiting.resolve()
    await new Promise(() => {})
  }
  const work = rejection(added(ipfs, entries(), { signal: abort.signal }))
  await waiting.promise
  abort.abort(reason)
  expect(await work).toBe(reason)
  await expectNothingKept(ipfs)
})

it('ends a wait for a content that gives nothing more when it is aborted, and lets go of it', async () => {
  const { ipfs } = await opened()
  const abort = new AbortController()
  const reason = new Error('enough')
  const source = stalled(pattern(3_000_000))
  const work = rejection(added(ipfs, [{ path: 'a', content: source.content }], { signal: abort.signal }))
  await source.reached
  abort.abort(reason)
  expect(await work).toBe(reason)
  expect(source.left).toBe(true)
  await expectNothingKept(ipfs)
})

it('lets go of the content that it reads when its reader leaves', async () => {
  const { ipfs } = await opened()
  const source = stalled(pattern(3_000_000))
  const lines = ipfs.files.add([
    { path: 'a', content: bytesOf('a') },
    { path: 'b', content: source.content },
  ])
  expect((await lines.next()).value).toMatchObject({ path: 'a' })
  await source.reached
  await lines.return()
  expect(source.left).toBe(true)
  await expectNothingKept(ipfs)
})

it('leaves the blocks of an add that stored the same at the same time and has ended since', async () => {
  for (let round = 0; round < 10; round += 1) {
    const { ipfs } = await opened()
    const content = pattern(200, round + 1)
    const ended = Promise.withResolvers<void>()
    async function* losing() {
      yield content
      await ended.promise
      throw new Error('lost')
    }
    const lost = rejection(added(ipfs, [{ path: 'b', content: losing() }], { chunkBytes: 10 }))
    const { cid } = await added(ipfs, [{ path: 'a', content }], { chunkBytes: 10 })
    ended.resolve()
    await lost
    expect(await read(ipfs, cid)).toEqual(Buffer.from(content))
  }
})

it('an add that is aborted while garbage is collected keeps nothing', async () => {
  const { ipfs } = await opened()
  // A pinned DAG of many nodes that a collection has to read, so that it lasts.
  await addFile(ipfs, pattern(8000), { profile: 'unixfs-v0-2015', chunkBytes: 10 })
  const { blocks } = await ipfs.repo.stat()
  const source = stalled(pattern(3_000_000))
  const abort = new AbortController()
  const adding = rejection(added(ipfs, [{ path: 'a', content: source.content }], { signal: abort.signal }))
  await source.reached
  const collected = ipfs.repo.gc()
  abort.abort()
  await adding
  await collected
  await ipfs.repo.gc()
  expect((await ipfs.repo.stat()).blocks).toBe(blocks)
})
