import { simulate } from '@ipfs-kit/concurrency/testing'
import type { SimDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { liveAndCrash } from './crash/lives.ts'
import { whole } from './crash/world.ts'

/** One operation fails. */
function failOnce(disk: SimDisk): void {
  const kind = (['write', 'sync', 'any', 'syncFolder', 'preallocate', 'rename', 'unlink'] as const)[whole(7)]!
  disk.failAt(kind, 1 + whole(20), whole(3) === 0 ? 'ENOSPC' : 'EIO')
}

/** Writes fail now and then, and syncs hardly ever, since the first that does ends the log. */
function failNowAndThen(disk: SimDisk): void {
  disk.setFaults({ readErrors: 0.01, writeErrors: 0.05, syncErrors: 0.01, shortWrites: 0.4 })
}

/** The volume has room for a few segments. */
function fillVolume(disk: SimDisk): void {
  disk.setFaults({ capacityBytes: disk.stats().usedBytes + whole(30_000) })
}

/** Each seed is a world of some lives; all seeds are 1,000 and more. */
const worlds = [
  ['an orderly disk', {}, 350],
  ['a disk that fails once', { harm: failOnce }, 300],
  ['a disk that fails now and then', { harm: failNowAndThen }, 200],
  ['a volume that is nearly full', { harm: fillVolume }, 150],
] as const

for (const [where, how, seeds] of worlds) {
  test(
    `what was acknowledged is there after every crash, and nothing else, with ${where}`,
    { timeout: 300_000 * soak },
    async () => {
      const { failed } = await simulate(() => liveAndCrash(how), { seeds: seeds * soak, maxFailures: 1 })
      expect(failed[0]?.error).toBeUndefined()
    },
  )
}

for (const mode of ['interval', 'os'] as const) {
  test(
    `in the mode ${mode} batches are there as a whole or not at all, and what an opening has found stays`,
    { timeout: 300_000 * soak },
    async () => {
      const options = mode === 'interval' ? { mode, intervalMs: 5 } : { mode }
      const { failed } = await simulate(() => liveAndCrash({ options }), { seeds: 40 * soak, maxFailures: 1 })
      expect(failed[0]?.error).toBeUndefined()
    },
  )
}
