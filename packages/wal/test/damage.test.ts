import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Finding } from '@ipfs-kit/wal'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, test } from 'vitest'
import { bytesOf, change, contentOf, folder, openOn, recordsOf, segmentsOf } from './open-on.ts'

/** A closed log of three segments with five records each, one in a frame. */
async function threeSegments(): Promise<{ disk: SimDisk; names: string[] }> {
  const disk = simDisk({ seed: 1 })
  await using log = await openOn(disk)
  for (let lsn = 1; lsn <= 15; lsn += 1) await log.append(Buffer.from(`${lsn} `.padEnd(700, 'x')))
  const names = await segmentsOf(disk)
  expect(names.length).toBe(3)
  return { disk, names }
}

/** Head, length and record. */
const frameBytes = 32 + 4 + 700

describe('a damage in the middle', () => {
  test('is reported and kept in quarantine, and what is behind it stays', async () => {
    const { disk, names } = await threeSegments()
    const at = 64 + frameBytes
    await change(disk, names[0]!, at + 100, Buffer.from('damage'))
    const damaged = (await bytesOf(disk, names[0]!)).subarray(at, at + frameBytes)
    const heard: unknown[] = []
    const listen = (message: unknown): void => void heard.push(message)
    subscribe('wal:finding', listen)
    const log = await openOn(disk)
    unsubscribe('wal:finding', listen)
    const finding: Finding = {
      kind: 'damage',
      segment: names[0]!,
      offset: at,
      bytes: frameBytes,
      firstLost: 2,
      lastLost: 2,
    }
    expect([log.findings, heard]).toEqual([[finding], [{ path: '/log', ...finding }]])
    expect([...(await contentOf(log)).keys()]).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    expect((await log.verify()).findings).toEqual([finding])
    expect(await log.append(Buffer.from('more'))).toBe(16)
    expect(await log.dropBefore(16)).toBe(2)
    await log.close()
    expect(await bytesOf(disk, `quarantine/${names[0]}.${at}`)).toEqual(damaged)
    await using again = await openOn(disk)
    expect(again.findings).toEqual([])
  })

  test('is told again at each opening', async () => {
    const { disk, names } = await threeSegments()
    await change(disk, names[1]!, 64 + 30, Buffer.from([255]))
    const findings: (readonly Finding[])[] = []
    for (let times = 0; times < 2; times += 1) {
      await using log = await openOn(disk)
      findings.push(log.findings)
    }
    expect(findings[0]).toEqual([expect.objectContaining({ kind: 'damage', firstLost: 6, lastLost: 6 })])
    expect(findings[1]).toEqual(findings[0])
  })

  test('of all of a segment, its head too, is no torn end: the segment stays and is told again', async () => {
    const disk = simDisk({ seed: 1 })
    {
      await using log = await openOn(disk)
      await log.append(Buffer.from('one'))
    }
    const [name] = await segmentsOf(disk)
    await change(disk, name!, 0, Buffer.alloc(4096, 0xa5))
    const bytes = (await bytesOf(disk, name!)).subarray(64, 4096)
    for (let times = 0; times < 3; times += 1) {
      await using log = await openOn(disk)
      expect(log.findings).toMatchObject([
        { kind: 'header', segment: name },
        { kind: 'damage', segment: name, offset: 64, firstLost: 1 },
      ])
      expect(await log.append(Buffer.from('more'))).toBeGreaterThan(1)
    }
    expect(await bytesOf(disk, `quarantine/${name}.64`)).toEqual(bytes)
  })

  test('at the end of a segment that others follow is no torn end', async () => {
    const { disk, names } = await threeSegments()
    await change(disk, names[0]!, 64 + 4 * frameBytes + 50, Buffer.from([255]))
    await using log = await openOn(disk)
    expect(log.findings).toMatchObject([{ kind: 'damage', segment: names[0], firstLost: 5, lastLost: 5 }])
    expect((await log.verify()).findings).toEqual(log.findings)
    expect([...(await contentOf(log)).keys()]).toEqual([1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
  })

  test('that came since the opening ends a read and is found by verify', async () => {
    const { disk, names } = await threeSegments()
    await using log = await openOn(disk)
    for (const which of [0, 2])
      await change(disk, names[which]!, 64 + 2 * frameBytes + 50, Buffer.from([255]))
    const seen: number[] = []
    const read = async (): Promise<void> => {
      for await (const batch of log.read()) seen.push(...recordsOf([batch]).keys())
    }
    await expect(read()).rejects.toMatchObject({ code: 'WAL_CORRUPT', kind: 'integrity' })
    expect(seen).toEqual([1, 2])
    expect((await log.verify()).findings).toMatchObject([
      { kind: 'damage', firstLost: 3, lastLost: 3 },
      { kind: 'damage', firstLost: 13, lastLost: 13 },
    ])
  })

  test('of the last record since the opening is found by verify and ends a read', async () => {
    const { disk, names } = await threeSegments()
    await using log = await openOn(disk)
    await change(disk, names[2]!, 64 + 4 * frameBytes + 50, Buffer.from([255]))
    await expect(contentOf(log, 15)).rejects.toMatchObject({ code: 'WAL_CORRUPT' })
    expect((await log.verify()).findings).toMatchObject([{ kind: 'damage', firstLost: 15, lastLost: 15 }])
  })
})

test('a damage of several last frames is no torn end: their LSNs are not given again', async () => {
  const { disk, names } = await threeSegments()
  for (const nth of [3, 4]) await change(disk, names[2]!, 64 + nth * frameBytes + 100, Buffer.from('damage'))
  const at = 64 + 3 * frameBytes
  const bytes = await bytesOf(disk, names[2]!)
  let first: readonly Finding[] | undefined
  for (let times = 0; times < 2; times += 1) {
    await using log = await openOn(disk)
    expect(log.findings).toEqual([
      { kind: 'damage', segment: names[2], offset: at, bytes: 2 * frameBytes, firstLost: 14, lastLost: 15 },
    ])
    expect((await log.verify()).findings).toEqual(log.findings)
    first ??= log.findings
    expect(await log.append(Buffer.from('more'))).toBe(16 + times)
    expect([...(await contentOf(log)).keys()].slice(12, 14)).toEqual([13, 16])
  }
  expect(await bytesOf(disk, names[2]!)).toEqual(bytes)
  expect(await bytesOf(disk, `quarantine/${names[2]}.${at}`)).toEqual(bytes.subarray(at, at + 2 * frameBytes))
})

test('frames behind the last head that can be read keep their LSNs as well', async () => {
  // Of the last but one the record, or how long that is; of the last one the head.
  for (const [at, what] of [
    [60, Buffer.from('damage')],
    [32, Buffer.of(1)],
  ] as const) {
    const { disk, names } = await threeSegments()
    const place = (frame: number): number => 64 + (frame - 11) * frameBytes
    // A third one in front, so that they are no torn end.
    await change(disk, names[2]!, place(13) + 60, Buffer.from('damage'))
    await change(disk, names[2]!, place(14) + at, what)
    await change(disk, names[2]!, place(15), Buffer.alloc(32, 255))
    await using log = await openOn(disk)
    const [finding, ...others] = log.findings
    expect(others).toEqual([])
    expect(finding).toMatchObject({ kind: 'damage', firstLost: 13, offset: place(13) })
    expect(finding!.lastLost).toBeGreaterThanOrEqual(15)
    expect(await log.append(Buffer.from('more'))).toBe(finding!.lastLost! + 1)
  }
})

test('a head at the end that lies about its LSNs is believed no further than its bytes allow', async () => {
  const { disk, names } = await threeSegments()
  for (const nth of [3, 4]) await change(disk, names[2]!, 64 + nth * frameBytes + 24, Buffer.alloc(7, 255))
  await using log = await openOn(disk)
  const lastLost = 13 + (2 * frameBytes - 32) / 4
  expect(log.findings).toMatchObject([{ kind: 'damage', firstLost: 14, lastLost }])
  expect(await log.append(Buffer.from('more'))).toBe(lastLost + 1)
})

test('a log of which nothing is left keeps its bytes and its LSNs', async () => {
  const disk = simDisk({ seed: 2 })
  {
    await using log = await openOn(disk)
    for (let lsn = 1; lsn <= 3; lsn += 1) await log.append(Buffer.alloc(700, lsn))
  }
  const [name = ''] = await segmentsOf(disk)
  for (let nth = 0; nth < 3; nth += 1) await change(disk, name, 64 + nth * frameBytes + 100, Buffer.from('x'))
  await using log = await openOn(disk)
  expect(log.findings).toMatchObject([
    { kind: 'damage', offset: 64, bytes: 3 * frameBytes, firstLost: 1, lastLost: 3 },
  ])
  expect(await log.append(Buffer.from('more'))).toBe(4)
  expect(await segmentsOf(disk)).toContain(name)
})

test('a torn end is replaced by zeros and reported once', async () => {
  const { disk, names } = await threeSegments()
  await change(disk, names[2]!, 64 + 5 * frameBytes, Buffer.from('the beginning of a frame'))
  {
    await using log = await openOn(disk)
    expect(log.findings).toEqual([
      { kind: 'torn-tail', segment: names[2], offset: 64 + 5 * frameBytes, bytes: 24 },
    ])
    expect((await contentOf(log)).size).toBe(15)
  }
  await using log = await openOn(disk)
  expect(log.findings).toEqual([])
})

test('a segment that is gone is reported with the LSNs that it had', async () => {
  const { disk, names } = await threeSegments()
  await disk.unlink(`${folder}/${names[1]}`)
  await using log = await openOn(disk)
  expect(log.findings).toEqual([
    { kind: 'missing', segment: names[2], offset: 0, bytes: 0, firstLost: 6, lastLost: 10 },
  ])
  expect([...(await contentOf(log)).keys()]).toEqual([1, 2, 3, 4, 5, 11, 12, 13, 14, 15])
})

test('a newest segment that lost all its records keeps their LSNs from being given again', async () => {
  const { disk, names } = await threeSegments()
  await change(disk, names[2]!, 64, Buffer.alloc(4096 - 64))
  for (let times = 0; times < 2; times += 1) {
    await using log = await openOn(disk)
    expect(log.stats().nextLsn).toBe(11)
  }
})

test('a payload that is a copy of the log is not taken for a part of it', async () => {
  const { disk, names } = await threeSegments()
  const copy = await bytesOf(disk, names[0]!)
  const options = { segmentBytes: 65_536, maxRecordBytes: 60_000 }
  {
    await using log = await openOn(disk, options)
    // Frames of the copy that stand where they have stood have another id.
    await log.append(Buffer.concat([Buffer.alloc(4), copy, copy, copy]))
    await log.append(Buffer.from('the last'))
  }
  const newest = (await segmentsOf(disk)).at(-1)!
  await change(disk, newest, 64 + 10, Buffer.from([255]))
  await using log = await openOn(disk, options)
  expect(log.findings).toMatchObject([{ kind: 'damage', segment: newest, firstLost: 16, lastLost: 16 }])
  expect([...(await contentOf(log, 15)).keys()]).toEqual([15, 17])
})

test('a segment of a newer version is refused by name', async () => {
  const { crc32 } = await import('node:zlib')
  const { disk, names } = await threeSegments()
  const head = (await bytesOf(disk, names[1]!)).subarray(0, 64)
  head.writeUInt32LE(2, 8)
  head.writeUInt32LE(crc32(head.subarray(0, 60)), 60)
  await change(disk, names[1]!, 0, head)
  await expect(openOn(disk)).rejects.toMatchObject({
    code: 'WAL_FORMAT_TOO_NEW',
    message: expect.stringContaining(names[1]!) as string,
  })
})

test('files of others in the folder are left alone', async () => {
  const { disk } = await threeSegments()
  for (const name of ['notes.txt', '1-2.wal', '0000000000000000-0000000000000001.wal']) {
    await (await disk.open(`${folder}/${name}`, 'create')).close()
  }
  {
    await using log = await openOn(disk)
    expect([log.findings, (await contentOf(log)).size]).toEqual([[], 15])
  }
  expect((await disk.list(folder)).map(({ name }) => name)).toContain('notes.txt')
})
