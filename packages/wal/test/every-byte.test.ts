import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Finding, Log } from '@ipfs-kit/wal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { bytesOf, change, contentOf, cut, openOn, segmentsOf } from './open-on.ts'

const segmentBytes = 4096

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

/** 200 records of up to 64 bytes, one to nine in a frame. */
async function make(): Promise<Made> {
  const disk = simDisk({ seed: 1 })
  const records = new Map<number, string>()
  await using log = await openOn(disk, { segmentBytes })
  for (let lsn = 1; lsn <= 200;) {
    const count = Math.min(1 + (lsn % 9), 201 - lsn)
    const batch = Array.from({ length: count }, (_, at) => textOf(lsn + at))
    await log.appendMany(batch.map((text) => Buffer.from(text)))
    batch.forEach((text, at) => records.set(lsn + at, text))
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

/** Every fifth has 64 bytes, the others up to 15. */
function textOf(lsn: number): string {
  return `${lsn} `.padEnd(lsn % 5 === 0 ? 64 : lsn % 16, 'abcdefgh')
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

/** What is not as it should be when both segments are harmed at a byte, for every byte. */
async function wrongs(
  harm: (disk: SimDisk, name: string, at: number) => Promise<void>,
  lookAt: (at: number, lost: readonly number[], findings: readonly Finding[]) => string | undefined,
): Promise<string[]> {
  const { disk, names } = made!
  const found: string[] = []
  for (let at = 0; at < segmentBytes && found.length < 5; at += 1) {
    const copy = disk.copy(1)
    for (const name of names) await harm(copy, name, at)
    const { lost, findings, log } = await openHarmed(copy)
    const wrong = lookAt(at, lost, findings)
    if (wrong !== undefined)
      found.push(`byte ${at}: ${wrong}; lost ${lost.join()}, ${JSON.stringify(findings)}`)
    if (at % 16 === 3) await goOn(copy, log)
    else await log.close()
  }
  return found
}

test(
  'a flipped byte costs the frame that it is in, and is reported',
  { timeout: 300_000 * soak },
  async () => {
    const { disk, names, records } = made!
    const originals = new Map<string, Buffer>()
    for (const name of names) originals.set(name, await bytesOf(disk, name))
    const flip = (copy: SimDisk, name: string, at: number): Promise<void> =>
      change(copy, name, at, Buffer.of(originals.get(name)![at]! ^ (1 << (at % 8))))
    const found = await wrongs(flip, (at, lost, findings) => {
      const hits = names.map((name) => lsnsIn(name, at))
      if (lost.join() !== hits.flat().join()) return `it costs ${hits.flat().join()}`
      for (const [which, name] of names.entries()) {
        const own = findings.filter(({ segment }) => segment === name)
        const hit = hits[which]!
        // Nothing follows the last frame: what was flipped in it cannot be told from a write that was cut short.
        const kind = at < 64 ? 'header' : hit.includes(records.size) ? 'torn-tail' : 'damage'
        if (at >= 64 && hit.length === 0) continue
        if (own.length !== 1 || own[0]!.kind !== kind) return `${name} has a ${kind}`
        const { firstLost, lastLost } = own[0]!
        if (kind === 'damage' && (firstLost !== hit[0] || lastLost !== hit.at(-1))) return `LSNs of ${name}`
      }
      return undefined
    })
    expect(found).toEqual([])
  },
)

test('a cut costs what is behind it, and is reported', { timeout: 300_000 * soak }, async () => {
  const { names, places } = made!
  const found = await wrongs(cut, (at, lost, findings) => {
    const [first = [], second = []] = names.map((name) =>
      [...places].filter(([, one]) => one.segment === name && one.end > at).map(([lsn]) => lsn),
    )
    if (lost.join() !== [...first, ...second].join()) return `it costs ${first.join()},${second.join()}`
    const kind = at < 64 ? 'header' : 'cut'
    for (const name of names) {
      if (!findings.some((one) => one.segment === name && one.kind === kind)) return `${name} has a ${kind}`
    }
    const tells = (one: Finding): boolean => one.firstLost === first[0] && one.lastLost === first.at(-1)
    return first.length === 0 || findings.some(tells) ? undefined : 'LSNs of the first'
  })
  expect(found).toEqual([])
})
