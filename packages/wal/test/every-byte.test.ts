import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Finding, Log } from '@ipfs-kit/wal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { bytesOf, change, contentOf, cut, openOn, segmentsOf } from './open-on.ts'

const segmentBytes = 6144

/** Two segments: one that is full, and one that takes records. */
interface Made {
  readonly disk: SimDisk
  readonly names: readonly string[]
  /** By LSN: in which segment, and where in it the frame of the record begins and ends. */
  readonly places: ReadonlyMap<
    number,
    { readonly segment: string; readonly begin: number; readonly end: number }
  >
  readonly records: ReadonlyMap<number, string>
}

let made: Made | undefined
beforeAll(async () => {
  made = await make()
})
afterAll(() => {
  made = undefined
})

/** 200 records of up to 64 bytes, one to five in a frame. */
async function make(): Promise<Made> {
  const disk = simDisk({ seed: 1 })
  const records = new Map<number, string>()
  await using log = await openOn(disk, { segmentBytes })
  for (let lsn = 1; lsn <= 200;) {
    const count = Math.min(1 + (lsn % 5), 201 - lsn)
    const batch = Array.from({ length: count }, (_, at) =>
      `${lsn + at} `.padEnd((lsn * 7 + at) % 65, 'abcdefgh'),
    )
    await log.appendMany(batch.map((text) => Buffer.from(text.slice(0, 64))))
    batch.forEach((text, at) => records.set(lsn + at, text.slice(0, 64)))
    lsn += count
  }
  const names = await segmentsOf(disk)
  const places = new Map<number, { segment: string; begin: number; end: number }>()
  for (const segment of names) {
    const bytes = await bytesOf(disk, segment)
    for (let begin = 64; begin + 32 <= bytes.length && bytes.readUInt32LE(begin + 4) > 0;) {
      const end = begin + bytes.readUInt32LE(begin + 4)
      const first = Number(bytes.readBigUInt64LE(begin + 24))
      for (let nth = 0; nth < bytes.readUInt32LE(begin + 12); nth += 1)
        places.set(first + nth, { segment, begin, end })
      begin = Math.ceil(end / 8) * 8
    }
  }
  expect([names.length, places.size]).toEqual([2, 200])
  return { disk, names, places, records }
}

/** What is lost, all that is there being right; and what was reported. */
async function openHarmed(
  disk: SimDisk,
): Promise<{ lost: number[]; findings: readonly Finding[]; log: Log }> {
  const log = await openOn(disk, { segmentBytes })
  const found = await contentOf(log)
  for (const [lsn, text] of found) if (made!.records.get(lsn) !== text) throw new Error(`LSN ${lsn} is wrong`)
  return { lost: [...made!.records.keys()].filter((lsn) => !found.has(lsn)), findings: log.findings, log }
}

function lsnsIn(segment: string, at: number): number[] {
  const lsns = [...made!.places].filter(
    ([, one]) => one.segment === segment && at >= one.begin && at < one.end,
  )
  return lsns.map(([lsn]) => lsn)
}

/** The log goes on, and keeps what it takes. */
async function goOn(disk: SimDisk, log: Log): Promise<void> {
  const { nextLsn } = log.stats()
  const lsn = await log.append(Buffer.from('more'))
  await log.close()
  const again = await openOn(disk, { segmentBytes })
  const last = (await contentOf(again, nextLsn)).get(lsn)
  await again.close()
  if (lsn < nextLsn || last !== 'more') throw new Error(`LSN ${lsn} did not stay`)
}

test(
  'a flipped byte costs the frame that it is in, and is reported',
  { timeout: 60_000 * soak },
  async () => {
    const { disk, names, records } = made!
    const originals = await Promise.all(names.map((name) => bytesOf(disk, name)))
    // Each byte of both segments, at the same place in both.
    for (let at = 0; at < segmentBytes; at += 1) {
      const copy = disk.copy(1)
      for (const [which, name] of names.entries()) {
        await change(copy, name, at, Buffer.of(originals[which]![at]! ^ (1 << (at % 8))))
      }
      const { lost, findings, log } = await openHarmed(copy)
      const hits = names.map((name) => lsnsIn(name, at))
      expect(lost, `byte ${at}`).toEqual(hits.flat())
      for (const [which, name] of names.entries()) {
        const own = findings.filter(({ segment }) => segment === name)
        const kinds = own.map(({ kind }) => kind)
        const hit = hits[which]!
        const where = `byte ${at} of ${name}`
        if (at < 64) expect(kinds, where).toEqual(['header'])
        else if (hit.length > 0) {
          // Nothing follows the last frame: what was flipped in it cannot be told from a write that was cut short.
          expect(kinds, where).toEqual([hit.includes(records.size) ? 'torn-tail' : 'damage'])
          if (kinds[0] === 'damage')
            expect(own[0], where).toMatchObject({ firstLost: hit[0], lastLost: hit.at(-1) })
        }
      }
      if (at % 16 === 3) await goOn(copy, log)
      else await log.close()
    }
  },
)

test('a cut costs what is behind it, and is reported', { timeout: 60_000 * soak }, async () => {
  const { disk, names, places } = made!
  for (let at = 0; at < segmentBytes; at += 1) {
    const copy = disk.copy(1)
    for (const name of names) await cut(copy, name, at)
    const { lost, findings, log } = await openHarmed(copy)
    const behind = names.map((name) =>
      [...places].filter(([, one]) => one.segment === name && one.end > at).map(([lsn]) => lsn),
    )
    expect(lost, `cut at ${at}`).toEqual(behind.flat())
    for (const name of names) {
      const kinds = findings.filter(({ segment }) => segment === name).map(({ kind }) => kind)
      expect(kinds, `${name} cut at ${at}`).toContain(at < 64 ? 'header' : 'cut')
    }
    const [first = []] = behind
    if (first.length > 0) {
      const lsns = { firstLost: first[0], lastLost: first.at(-1) }
      expect(findings, `cut at ${at}`).toContainEqual(expect.objectContaining(lsns))
    }
    if (at % 16 === 3) await goOn(copy, log)
    else await log.close()
  }
})
