import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { numbered } from './crash/made-blocks.ts'
import { bytesOf, change, folder, openOn } from './crash/open-store.ts'

const path = `${folder}/kept-00000001.pack`

test('a disk that can read next to nothing of a pack is not asked for each of its sectors', async () => {
  const room = { maxBytes: 16_777_216, packBytes: 8_388_608 }
  let disk = simDisk({ seed: 1, faults: { shortWrites: 0, slowReads: 0 } })
  const store = await openOn(disk, room)
  const lease = store.lease()
  for (let at = 0; at < 40; at += 1) {
    const { cid, bytes } = numbered(1 + at, 100_000)
    await lease.put(cid, bytes)
  }
  await lease.flush()
  const killed = disk.kill()
  await store.close().catch(() => undefined)
  disk = killed
  const { size } = (await disk.stat(path))!
  for (let sector = 1; sector * 512 < size; sector += 1) disk.damage(path, sector)
  await using again = await openOn(disk, room)
  expect(again.stats().entries).toBe(0)
  // 8,000 sectors: 256 failures, and then one for each 64 KiB.
  expect(disk.stats().operations.read).toBeLessThan(600)
})

test('the oldest kept pack stays if there may be frames that nobody knows of, though nothing else in it lives', async () => {
  let disk = simDisk({ seed: 1, faults: { shortWrites: 0, slowReads: 0 } })
  const store = await openOn(disk)
  const blocks = Array.from({ length: 10 }, (_, at) => numbered(at, 1400))
  const lease = store.lease()
  for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
  await lease.flush()
  const killed = disk.kill()
  await store.close().catch(() => undefined)
  disk = killed
  const bytes = await bytesOf(disk, path)
  const hidden = blocks[4]!
  const sector = Math.ceil(bytes.indexOf(hidden.bytes) / 512)
  disk.damage(path, sector)
  const again = await openOn(disk)
  for (const { cid } of blocks) if (cid !== hidden.cid) await again.delete(cid)
  expect(again.stats().entries).toBe(0)
  await again.compact({ minDeadShare: 0 })
  await again.collect()
  await again.close()
  await change(disk, path, sector * 512, bytes.subarray(sector * 512, (sector + 1) * 512))
  await using last = await openOn(disk)
  expect(await last.get(hidden.cid)).toEqual(Buffer.from(hidden.bytes))
  expect(last.stats().entries).toBe(1)
})
