import { openBlocks } from '@ipfs-kit/blocks'
import { storeOperations, storeVerify } from '@ipfs-kit/blocks/operations'
import { simDisk } from '@ipfs-kit/disk'
import { createCaller, type Progress, type TableOf } from '@ipfs-kit/operations'
import { expect, test } from 'vitest'
import { blockOf, v0Of } from './blocks-of.ts'

async function open() {
  const disk = simDisk({ seed: 1 })
  const store = await openBlocks({ path: '/store', disk, maxBytes: 16 * 1024 * 1024, packBytes: 65_536 })
  const caller = createCaller<TableOf<typeof storeOperations>>({
    operations: storeOperations,
    borrow: () => ({ parts: { store }, signal: new AbortController().signal, release() {} }),
  })
  return { disk, store, caller, [Symbol.asyncDispose]: () => store.close() }
}

async function linesOf<T>(lines: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const line of lines) all.push(line)
  return all
}

test('store.stat answers with the numbers of the store', async () => {
  await using opened = await open()
  const { store, caller } = opened
  const { cid, bytes } = blockOf(1)
  await store.put(cid, bytes)
  expect(await caller.call('store.stat', {})).toEqual(store.stats())
})

test('store.explain answers for a CID of any version, and refuses what is none', async () => {
  await using opened = await open()
  const { store, caller } = opened
  const { cid, bytes } = blockOf(1)
  await store.put(cid, bytes)
  const first = v0Of(cid).toString()
  const answer = await caller.call('store.explain', { cid: first })
  expect(answer).toMatchObject({ cid: first, state: 'cache', size: bytes.length })
  await expect(caller.call('store.explain', { cid: 'none' })).rejects.toMatchObject({
    code: 'OPERATION_INVALID_INPUT',
  })
})

test('store.verify yields each damage and a summary, and tells its progress', async () => {
  await using opened = await open()
  const { disk, store, caller } = opened
  for (let number = 0; number < 30; number++) {
    const { cid, bytes } = blockOf(number, 500)
    await store.put(cid, bytes)
  }
  const file = await disk.open('/store/cache-00000001.pack', 'write')
  await file.write([Buffer.from('!')], 200)
  await file.close()
  const progress: Progress[] = []
  const lines = await linesOf(
    await caller.call('store.verify', {}, { progress: (step) => void progress.push(step) }),
  )
  expect(lines).toMatchObject([
    { pack: 1, offset: 64, problem: 'mismatch', cid: blockOf(0, 500).cid.toString() },
    { items: 29, failed: 1, packs: 1 },
  ])
  expect(progress.at(-1)).toMatchObject({ stage: 'verifying', items: 29 })
})

test('store.verify notes each pack that it has checked, and goes on behind the last one', async () => {
  await using opened = await open()
  const { disk, store } = opened
  // Three packs and more.
  for (let number = 0; number < 500; number++) {
    const { cid, bytes } = blockOf(number, 500)
    await store.put(cid, bytes)
  }
  const file = await disk.open('/store/cache-00000001.pack', 'write')
  await file.write([Buffer.from('!')], 200)
  await file.close()
  const whole = await store.verify()
  expect(whole.packs).toBeGreaterThan(2)

  /** Runs it until it saves for the second time, and then to the end. */
  const saved: unknown[] = []
  const run = (save: () => void, checkpoint?: unknown) =>
    storeVerify.run(
      { store },
      { bytesPerSecond: 1_000_000_000 },
      {
        signal: new AbortController().signal,
        progress() {},
        requestId: 'r',
        resume: {
          ...(checkpoint === undefined ? {} : { checkpoint }),
          save: async (found) => {
            saved.push(found)
            save()
          },
        },
      },
      undefined,
    )
  const interrupted = run(() => {
    if (saved.length === 2) throw new Error('killed')
  })
  const lines: unknown[] = []
  await expect(async () => {
    for await (const line of interrupted) lines.push(line)
  }).rejects.toThrow('killed')
  // What it has read before the second save is as good as not read.
  const rest = await linesOf(run(() => {}, saved[0]))
  expect([...lines, ...rest]).toMatchObject([
    { pack: 1, problem: 'mismatch' },
    { items: whole.blocks, failed: 1, packs: whole.packs, bytes: whole.bytes },
  ])
  expect(rest).toHaveLength(1)
})

test('store.compact rewrites packs that hold deleted blocks', async () => {
  await using opened = await open()
  const { store, caller } = opened
  {
    using lease = store.lease()
    for (let number = 0; number < 400; number++) {
      const { cid, bytes } = blockOf(number, 500)
      await lease.put(cid, bytes)
    }
  }
  for (let number = 0; number < 400; number += 2) await store.delete(blockOf(number, 500).cid)
  const answer = await caller.call('store.compact', {})
  expect(answer.packs).toBeGreaterThan(0)
  expect(answer.freedBytes).toBeGreaterThan(answer.copiedBytes)
  expect(await store.get(blockOf(1, 500).cid)).toEqual(blockOf(1, 500).bytes)
})
