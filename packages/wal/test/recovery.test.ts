import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { change, contentOf, openOn, outcomes, segmentsOf } from './open-on.ts'

/** A disk with a segment that was begun, and no more. */
async function begun(seed: number): Promise<{ disk: SimDisk; name: string }> {
  const disk = simDisk({ seed })
  await (await openOn(disk)).close()
  const [name = ''] = await segmentsOf(disk)
  return { disk, name }
}

test('a segment that was begun and not used is used by the next process, on a full volume too', async () => {
  const { disk, name } = await begun(1)
  disk.setFaults({ capacityBytes: disk.stats().usedBytes })
  const log = await openOn(disk)
  expect(await log.append(Buffer.from('acknowledged'))).toBe(1)
  expect(await segmentsOf(disk)).toEqual([name])
  const next = disk.crash()
  await outcomes([log.close()])
  await using again = await openOn(next)
  expect([again.findings, await contentOf(again)]).toEqual([[], new Map([[1, 'acknowledged']])])
})

test('a segment that was begun, removed and comes back with a power loss hides no record', async () => {
  let cameBack = 0
  for (let seed = 1; seed <= 40; seed += 1) {
    const { disk, name } = await begun(seed)
    // Without its head it is not used.
    await change(disk, name, 0, Buffer.alloc(1))
    const log = await openOn(disk)
    expect(await segmentsOf(disk)).not.toContain(name)
    expect(await log.append(Buffer.from('acknowledged'))).toBe(1)
    const next = disk.crash()
    await outcomes([log.close()])
    if ((await segmentsOf(next)).length > 1) cameBack += 1
    await using again = await openOn(next)
    expect(await contentOf(again)).toEqual(new Map([[1, 'acknowledged']]))
  }
  expect(cameBack).toBeGreaterThan(0)
})

test('a segment that takes the place of an empty one with the same first LSN counts', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const disk = simDisk({ seed })
    await (await openOn(disk)).close()
    const options = { segmentBytes: 65_536 }
    const log = await openOn(disk, options)
    // The one that is there is too small for it.
    const lsn = await log.append(Buffer.alloc(10_000, 'x'))
    const next = disk.crash()
    await outcomes([log.close()])
    await using again = await openOn(next, options)
    expect((await contentOf(again)).get(lsn)).toBe('x'.repeat(10_000))
  }
})
