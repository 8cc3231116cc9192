import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { contentOf, openOn, outcomes, segmentsOf } from './open-on.ts'

test('a segment that was begun, not used and removed hides no record when a power loss brings it back', async () => {
  let cameBack = 0
  for (let seed = 1; seed <= 40; seed += 1) {
    const disk = simDisk({ seed })
    const log = await openOn(disk)
    for (let nth = 0; nth < 5; nth += 1) await log.append(Buffer.alloc(700, nth))
    // The head of the next segment is the first write, the frame in it the second.
    disk.crashAt('write', 2)
    expect(await outcomes([log.append(Buffer.alloc(700))])).toEqual(['WAL_IO'])
    const next = disk.crash()
    await outcomes([log.close()])
    const again = await openOn(next)
    const lsn = await again.append(Buffer.from('acknowledged'))
    const last = next.crash()
    await outcomes([again.close()])
    if ((await segmentsOf(last)).length > 2) cameBack += 1
    await using opened = await openOn(last)
    expect(opened.findings).toEqual([])
    expect((await contentOf(opened)).get(lsn)).toBe('acknowledged')
  }
  expect(cameBack).toBeGreaterThan(0)
})

test('a segment that takes the place of an empty one with the same first LSN counts', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const disk = simDisk({ seed })
    // An empty segment that is too small for what comes.
    await (await openOn(disk)).close()
    const options = { segmentBytes: 65_536 }
    const log = await openOn(disk, options)
    const lsn = await log.append(Buffer.alloc(10_000, 'x'))
    const next = disk.crash()
    await outcomes([log.close()])
    await using again = await openOn(next, options)
    expect((await contentOf(again)).get(lsn)).toBe('x'.repeat(10_000))
  }
})
