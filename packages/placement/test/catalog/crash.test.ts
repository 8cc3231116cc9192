import { random, taskGroup } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { simDisk, type SimDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { cidOf, contentOf, openOn, rowOf } from './open-on.ts'

const keys = 6

/** What a CID may be: as it was acknowledged last, or as one of the changes that were begun after that. */
class Known {
  acknowledged: number | undefined
  begun: { readonly bytes: number | undefined }[] = []

  check(found: number | undefined): void {
    expect([this.acknowledged, ...this.begun.map(({ bytes }) => bytes)]).toContain(found)
    this.acknowledged = found
    this.begun = []
  }

  /** Changes of one CID come in the order in which they begin. */
  acknowledge(change: { readonly bytes: number | undefined }): void {
    this.acknowledged = change.bytes
    this.begun.splice(0, this.begun.indexOf(change) + 1)
  }
}

function whole(below: number): number {
  return Math.floor(random() * below)
}

/** Some workers change some CIDs, and the log is made smaller meanwhile. */
async function live(catalog: Catalog, disk: SimDisk, known: readonly Known[]): Promise<void> {
  await taskGroup((group) => {
    for (let worker = 0; worker < 3; worker += 1) {
      group.spawn(async () => {
        for (let step = 0; step < 12 && !disk.dead; step += 1) await changeOne(catalog, disk, known)
      })
    }
    group.spawn(() => survives(disk, () => catalog.compact()))
  })
}

async function changeOne(catalog: Catalog, disk: SimDisk, known: readonly Known[]): Promise<void> {
  const key = whole(keys)
  const one = known[key]!
  const change = { bytes: whole(4) === 0 ? undefined : whole(1_000_000) }
  await survives(disk, async () => {
    await catalog.change(cidOf(key), () => {
      one.begun.push(change)
      return change.bytes === undefined ? undefined : rowOf(change.bytes)
    })
    one.acknowledge(change)
  })
}

/** It fails only when the disk is gone. */
async function survives(disk: SimDisk, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^PLACEMENT_/) as string })
    expect(disk.dead).toBe(true)
  }
}

async function liveAndCrash(): Promise<void> {
  const known = Array.from({ length: keys }, () => new Known())
  let disk = simDisk({ seed: whole(2 ** 31), faults: { tearing: 0.3, latencyMs: whole(2) } })
  for (let life = 0; life < 3; life += 1) {
    const catalog = await openOn(disk)
    const found = contentOf(catalog)
    known.forEach((one, key) => one.check(found.get(cidOf(key).toString())))
    disk.crashAt('any', 1 + whole(120))
    await live(catalog, disk, known)
    const next = whole(4) === 0 ? disk.kill() : disk.crash()
    await survives(disk, () => catalog.close())
    disk = next
  }
  await using catalog = await openOn(disk)
  const found = contentOf(catalog)
  known.forEach((one, key) => one.check(found.get(cidOf(key).toString())))
}

test(
  'whatever crashes, each CID is as it was acknowledged last, or as it was to become then',
  { timeout: 120_000 },
  async () => {
    const { failed } = await simulate(liveAndCrash, { seeds: 300, maxFailures: 1 })
    expect(failed[0]?.error).toBeUndefined()
  },
)
