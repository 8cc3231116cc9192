import { simulate } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { whole } from './crash/world.ts'
import { change, contentOf, folder, openOn, segmentsOf } from './open-on.ts'

/** Damages of a file of so many bytes. */
const damages: readonly ((disk: SimDisk, name: string, bytes: number) => Promise<void> | void)[] = [
  (disk, name, bytes) => change(disk, name, whole(bytes), Buffer.of(whole(256))),
  (disk, name, bytes) => {
    const at = whole(bytes)
    const junk = Buffer.from(Array.from({ length: Math.min(bytes - at, 1 + whole(1000)) }, () => whole(256)))
    return change(disk, name, at, junk)
  },
  (disk, name, bytes) => disk.damage(`${folder}/${name}`, whole(Math.ceil(bytes / 512))),
]

async function damageAndOpen(): Promise<void> {
  const disk = simDisk({ seed: whole(2 ** 31), faults: { slowReads: whole(2) * 0.5 } })
  const segmentBytes = [4096, 16_384, 40_000][whole(3)]!
  const written = new Map<number, string>()
  {
    await using log = await openOn(disk, { segmentBytes })
    for (let frame = whole(40); frame >= 0; frame -= 1) {
      const batch = Array.from(
        { length: 1 + whole(4) },
        (_, at) => `${frame}.${at} ${'x'.repeat(whole(500))}`,
      )
      const lsns = await log.appendMany(batch.map((text) => Buffer.from(text)))
      lsns.forEach((lsn, at) => written.set(lsn, batch[at]!))
    }
  }
  const names = await segmentsOf(disk)
  for (let times = whole(3); times >= 0; times -= 1) {
    await damages[whole(damages.length)]!(disk, names[whole(names.length)]!, segmentBytes)
  }
  const log = await openOn(disk, { segmentBytes })
  const { findings } = log
  const found = await contentOf(log)
  for (const [lsn, text] of found) expect(text).toBe(written.get(lsn))
  const isTorn = findings.some(({ kind }) => kind === 'torn-tail')
  const newest = Math.max(0, ...found.keys())
  for (const lsn of written.keys()) {
    const isTold = findings.some(
      ({ firstLost = Infinity, lastLost = 0 }) => firstLost <= lsn && lsn <= lastLost,
    )
    expect(found.has(lsn) || isTold || (isTorn && lsn > newest), `LSN ${lsn} is lost without a word`).toBe(
      true,
    )
    if (!isTorn) expect(log.stats().nextLsn).toBeGreaterThan(lsn)
  }
  const lsn = await log.append(Buffer.from('more'))
  await log.close()

  // What was found is found again, but for what was mended.
  await using again = await openOn(disk, { segmentBytes })
  expect(await contentOf(again)).toEqual(new Map([...found, [lsn, 'more']]))
  const lasting = findings.filter(({ kind }) => kind === 'damage')
  expect(again.findings.filter(({ kind }) => kind === 'damage')).toEqual(lasting)
}

test(
  'whatever is damaged, what is left is read, and what is lost is told',
  { timeout: 300_000 * soak },
  async () => {
    const { failed } = await simulate(damageAndOpen, { seeds: 200 * soak, maxFailures: 1 })
    expect(failed[0]?.error).toBeUndefined()
  },
)
