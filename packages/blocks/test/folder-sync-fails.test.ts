import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

const old = numbered(1, 3000)
const more = numbered(2, 3000)

test('names of packs that a failed sync has not made durable are made so by the next process', async () => {
  let failures = 0
  for (let seed = 1; seed <= 40; seed += 1) {
    const disk = simDisk({ seed })
    const store = await openOn(disk)
    const lease = store.lease()
    await lease.put(old.cid, old.bytes)
    disk.failAt('syncFolder', 1)
    await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    failures += 1
    await store.close().catch(() => undefined)

    const second = disk.kill()
    const again = await openOn(second)
    const other = again.lease()
    // It is found, from memory.
    expect(await other.hold(old.cid)).toBe(true)
    await other.put(more.cid, more.bytes)
    await other.flush()
    const third = second.crash()
    await again.close().catch(() => undefined)

    await using last = await openOn(third)
    for (const { cid, bytes } of [old, more])
      expect(await last.get(cid), `seed ${seed}`).toEqual(Buffer.from(bytes))
  }
  expect(failures).toBe(40)
})
