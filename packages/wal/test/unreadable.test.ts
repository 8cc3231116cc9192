import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Finding } from '@ipfs-kit/wal'
import { describe, expect, test } from 'vitest'
import { bytesOf, change, contentOf, folder, openOn, segmentsOf } from './open-on.ts'

const options = { segmentBytes: 16_384 }
/** Head, length and record. Frames of the first segment begin at 64 + nth of them, pages of 4,096 bytes are unreadable as a whole. */
const frameBytes = 32 + 4 + 700

/** A closed log of two segments: 22 records in the first, 8 in the second. */
async function twoSegments(): Promise<{ disk: SimDisk; names: string[] }> {
  const disk = simDisk({ seed: 1, faults: { slowReads: 0.5 } })
  await using log = await openOn(disk, options)
  for (let lsn = 1; lsn <= 30; lsn += 1) await log.append(Buffer.from(`${lsn} `.padEnd(700, 'x')))
  const names = await segmentsOf(disk)
  expect(names.length).toBe(2)
  return { disk, names }
}

/** Opens it twice: what is found, and which LSNs are there. */
async function openTwice(disk: SimDisk): Promise<{ findings: readonly Finding[]; lsns: number[] }> {
  const log = await openOn(disk, options)
  const { findings } = log
  const lsns = [...(await contentOf(log)).keys()]
  expect((await log.verify()).findings).toEqual(findings)
  await log.close()
  await using again = await openOn(disk, options)
  expect(again.findings).toEqual(findings)
  expect([...(await contentOf(again)).keys()]).toEqual(lsns)
  return { findings, lsns }
}

const allBut = (from: number, to: number): number[] =>
  Array.from({ length: 30 }, (_, at) => at + 1).filter((lsn) => lsn < from || lsn > to)

describe('a sector that cannot be read', () => {
  test('costs the records that it has a part of, and is a damage', async () => {
    const { disk, names } = await twoSegments()
    disk.damage(`${folder}/${names[0]}`, 8)
    const { findings, lsns } = await openTwice(disk)
    const offset = 64 + 5 * frameBytes
    const bytes = 7 * frameBytes
    expect(findings).toEqual([
      { kind: 'damage', segment: names[0], offset, bytes, firstLost: 6, lastLost: 12 },
    ])
    expect(lsns).toEqual(allBut(6, 12))
    const kept = await bytesOf(disk, `quarantine/${names[0]}.${offset}`)
    // What can be read around it is there.
    expect(kept.length).toBe(bytes)
    expect(String(kept.subarray(36, 36 + 2))).toBe('6 ')
    expect(String(kept.subarray(6 * frameBytes + 700, 7 * frameBytes))).toBe('x'.repeat(36))
  })

  test('in the newest segment, before records, likewise', async () => {
    const { disk, names } = await twoSegments()
    disk.damage(`${folder}/${names[1]}`, 0)
    const { findings, lsns } = await openTwice(disk)
    expect(findings).toMatchObject([
      { kind: 'header', segment: names[1] },
      { kind: 'damage', segment: names[1], offset: 64, firstLost: 23, lastLost: 28 },
    ])
    expect(lsns).toEqual(allBut(23, 28))
  })

  test('behind the last record that can be read is not written over: its LSNs are not given again', async () => {
    const { disk, names } = await twoSegments()
    const bytes = await bytesOf(disk, names[1]!)
    disk.damage(`${folder}/${names[1]}`, 11)
    const { findings, lsns } = await openTwice(disk)
    expect(findings).toMatchObject([
      { kind: 'damage', segment: names[1], offset: 64 + 5 * frameBytes, firstLost: 28 },
    ])
    expect(lsns).toEqual(allBut(28, 30))
    await using log = await openOn(disk, options)
    const lsn = await log.append(Buffer.from('more'))
    expect(lsn).toBe(findings[0]!.lastLost! + 1)
    // Should the device give it after all, nothing is lost.
    const healed = disk.copy(2)
    await change(healed, names[1]!, 0, bytes)
    await using again = await openOn(healed, options)
    expect([...(await contentOf(again)).keys()]).toEqual([...allBut(31, 31), lsn])
  })

  test('where nothing was written yet costs nothing, and nothing is written there', async () => {
    const { disk, names } = await twoSegments()
    disk.damage(`${folder}/${names[1]}`, 31)
    const { findings, lsns } = await openTwice(disk)
    expect([findings, lsns]).toEqual([[], allBut(31, 31)])
    await using log = await openOn(disk, options)
    for (let lsn = 31; lsn <= 50; lsn += 1) expect(await log.append(Buffer.alloc(700))).toBe(lsn)
    expect((await bytesOf(disk, (await segmentsOf(disk))[2]!)).length).toBe(16_384)
  })

  test('for once costs nothing', async () => {
    const { disk } = await twoSegments()
    for (let nth = 1; ; nth += 1) {
      const copy = disk.copy(nth)
      copy.failAt('read', nth)
      await using log = await openOn(copy, options)
      expect([log.findings, (await contentOf(log)).size]).toEqual([[], 30])
      if (copy.stats().operations.read < nth) break
    }
  })

  test('that can be read again in part gives a read what it has', async () => {
    const { disk, names } = await twoSegments()
    const bytes = await bytesOf(disk, names[0]!)
    disk.damage(`${folder}/${names[0]}`, 8)
    await using log = await openOn(disk, options)
    bytes[64 + 7 * frameBytes + 100] = 0
    await change(disk, names[0]!, 0, bytes)
    expect([...(await contentOf(log)).keys()]).toEqual(allBut(8, 8))
  })

  test('since the opening ends a read there, and is found by verify', async () => {
    const { disk, names } = await twoSegments()
    await using log = await openOn(disk, options)
    disk.damage(`${folder}/${names[0]}`, 8)
    const seen: number[] = []
    const read = async (): Promise<void> => {
      for await (const { firstLsn, payloads } of log.read()) seen.push(firstLsn, payloads.length)
    }
    await expect(read()).rejects.toMatchObject({ code: 'WAL_CORRUPT' })
    expect(seen).toEqual([1, 5])
    expect((await log.verify()).findings).toMatchObject([{ kind: 'damage', firstLost: 6, lastLost: 12 }])
  })
})
