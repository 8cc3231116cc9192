/** Who waits for a collection is told how far it is. */
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { CollectProgress } from '../src/blocks.ts'
import { numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

test('each of those who share a collection is told of it from when it comes until it leaves', async () => {
  const kept = numbered(1, 1400)
  await using store = await openOn(simDisk({ seed: 1 }), { claimed: [kept] })
  {
    using lease = store.lease()
    await lease.put(kept.cid, kept.bytes)
    await lease.flush()
  }
  for (let at = 2; at <= 10; at += 1) {
    const { cid, bytes } = numbered(at, 1400)
    await store.put(cid, bytes)
  }
  const told: CollectProgress[] = []
  const also: CollectProgress[] = []
  const left = new AbortController()
  const calls = [
    store.collect({ onProgress: (progress) => told.push(progress) }),
    store.collect({ onProgress: (progress) => also.push(progress) }),
    store.collect(),
  ]
  const gone = store.collect({ signal: left.signal, onProgress: () => expect.unreachable() })
  left.abort(new Error('not any more'))
  await expect(gone).rejects.toThrow('not any more')
  const [report] = await Promise.all(calls)
  expect(told[0]).toMatchObject({ stage: 'marking', blocks: 1 })
  expect(told.at(-1)).toEqual({
    stage: 'removing',
    blocks: report!.removedBlocks,
    bytes: report!.removedBytes,
  })
  expect(report).toMatchObject({ removedBlocks: 9, keptBlocks: 1 })
  expect(also).toEqual(told)
})
