import { hash, randomFillSync } from 'node:crypto'
import type { Worker } from 'node:worker_threads'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { expect, onTestFinished, test, vi } from 'vitest'

test('what a thread had when it died is read again: every block is answered and held, and every digest given', async () => {
  const threads: Worker[] = []
  const began = (worker: Worker): void => void threads.push(worker)
  process.on('worker', began)
  onTestFinished(() => void process.off('worker', began))

  // The threads are the program's: other tests of this process may have started them, or made them pause.
  vi.resetModules()
  const { openBlocks } = await import('@ipfs-kit/blocks')
  const { simDisk } = await import('@ipfs-kit/disk')
  const { digestOf } = await import('../src/digest.ts')

  const disk = simDisk({ seed: 1, faults: { slowReads: 0 } })
  await using blocks = await openBlocks({ disk, path: '/blocks', maxBytes: 512 * 1_048_576 })
  const stored = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const bytes = randomFillSync(new Uint8Array(6 * 1_048_576))
      const cid = CID.createV1(0x55, create(0x12, await digestOf(bytes)))
      await blocks.put(cid, bytes)
      return { cid, bytes }
    }),
  )
  const answered = async (): Promise<boolean[]> =>
    Promise.all(
      stored.map(async ({ cid, bytes }) => {
        const found = await blocks.get(cid)
        return found instanceof Uint8Array && Buffer.compare(found, bytes) === 0
      }),
    )
  const all = stored.map(() => true)
  // Until threads hash what is read.
  for (let rounds = 0; threads.length < 2; rounds += 1) {
    expect(rounds).toBeLessThan(1000)
    expect(await answered()).toEqual(all)
  }
  const shared = new Uint8Array(new SharedArrayBuffer(1_048_576))
  while (!(digestOf(shared) instanceof Promise)) await new Promise(setImmediate)

  const content = new Uint8Array(new SharedArrayBuffer(3 * 1_048_576)).fill(5)
  const digest = hash('sha256', content, 'buffer')
  const digesting = Promise.all([1, 2].map(async () => Buffer.compare(await digestOf(content), digest)))
  const answering = answered()
  using lease = blocks.lease()
  const holding = Promise.all(stored.map(({ cid }) => lease.hold(cid)))
  await new Promise(setImmediate)
  await Promise.all(threads.map((thread) => thread.terminate()))
  expect(await digesting).toEqual([0, 0])
  expect(await answering).toEqual(all)
  expect(await holding).toEqual(all)
  expect(blocks.stats().corruptReads).toBe(0)
})
