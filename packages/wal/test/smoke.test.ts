import { simDisk } from '@ipfs-kit/disk'
import { openLog } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
test('smoke', async () => {
  const disk = simDisk({ seed: 1 })
  const log = await openLog({ path: '/log', disk, segmentBytes: 4096 })
  const all = Array.from({ length: 300 }, (_, i) => Buffer.from(`record ${i}`))
  const lsns = await Promise.all(all.map((one) => log.append(one)))
  expect(lsns).toEqual(all.map((_, i) => i + 1))
  const read: string[] = []
  for await (const { payload } of log.read()) read.push(Buffer.from(payload).toString())
  expect(read).toEqual(all.map(String))
  console.log(log.stats(), await log.verify())
  await log.close()
  const again = await openLog({ path: '/log', disk, segmentBytes: 4096 })
  console.log(again.findings, again.stats())
  console.log(await again.dropBefore(200), again.stats())
  await again.close()
})
