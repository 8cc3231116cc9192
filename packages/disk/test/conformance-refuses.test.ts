import type { Disk } from '@ipfs-kit/disk'
import { simDisk } from '@ipfs-kit/disk'
import { diskConformance } from '@ipfs-kit/disk/conformance'
import { beforeAll, describe, expect, test } from 'vitest'
import { breakages, broken } from './broken.ts'

/** The titles of the cases that a disk fails. */
async function failuresOf(breakIt: (good: Disk) => Disk): Promise<string[]> {
  const cases: { title: string; run: () => Promise<void> }[] = []
  const open = async () => {
    const disk = simDisk({ seed: 1, faults: { slowReads: 0.5 } })
    await disk.makeFolder('/folder')
    return { disk: breakIt(disk), folder: '/folder', close: async () => undefined }
  }
  diskConformance({ name: 'sim', open }, { test: (title, run) => cases.push({ title, run }) })
  const failed: string[] = []
  for (const { title, run } of cases) {
    try {
      await run()
    } catch {
      failed.push(title.slice('sim: '.length))
    }
  }
  return failed
}

/** For each breakage the titles of the cases that fail. */
const failed = new Map<string, readonly string[]>()

beforeAll(async () => {
  for (const breakage of breakages) {
    failed.set(breakage.does, await failuresOf((good) => broken(good, breakage)))
  }
})

describe('the suite refuses a disk that', () => {
  for (const { does, noticedBy } of breakages) {
    test(does, () => {
      expect(failed.get(does)).toContain(noticedBy)
    })
  }
})

test('every case of the suite notices something', async () => {
  const titles = await failuresOf(() => {
    throw new Error('cannot be opened')
  })
  const noticed = new Set([...failed.values()].flat())
  expect(titles.filter((title) => !noticed.has(title))).toEqual([])
})

test('the suite accepts the same disk when nothing is broken', async () => {
  const whole = { does: 'nothing', noticedBy: 'none' }
  expect(await failuresOf((good) => broken(good, whole))).toEqual([])
})
