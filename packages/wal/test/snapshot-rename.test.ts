import { simulate } from '@ipfs-kit/concurrency/testing'
import { random } from '@ipfs-kit/concurrency'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { adds, openStoreOn } from './open-store-on.ts'

/** Promises operations until a checkpoint drops segments, loses the power while it removes the first, and opens again. */
async function losePowerAtDrop(): Promise<void> {
  const disk = simDisk({ seed: Math.floor(random() * 2 ** 31) })
  const store = await openStoreOn(disk)
  const ids: number[] = []
  while (store.log.stats().segments < 4) {
    ids.push(...(await store.append([adds({ text: 'x'.repeat(1000) })])))
  }
  disk.crashAt('unlink', 1)
  await expect(store.checkpoint()).rejects.toThrow()
  const next = disk.crash()
  await store.close().catch(() => undefined)
  await using again = await openStoreOn(next)
  expect(again.findings).toEqual([])
  for (const id of ids) expect(again.index.get(id)).toMatchObject({ id, state: 'queued' })
}

test('what the log drops is in a snapshot that a power loss leaves under its name', async () => {
  const { failed } = await simulate(losePowerAtDrop, { seeds: 40, maxFailures: 1 })
  expect(failed[0]?.error).toBeUndefined()
})
