import { simulate } from '@ipfs-kit/concurrency/testing'
import type { SimDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { liveAndCrashStore } from './crash/store-lives.ts'
import { whole } from './crash/world.ts'

/** One operation fails. */
function failOnce(disk: SimDisk): void {
  const kind = (['write', 'sync', 'any', 'syncFolder', 'rename', 'unlink', 'open'] as const)[whole(7)]!
  disk.failAt(kind, 1 + whole(40), whole(3) === 0 ? 'ENOSPC' : 'EIO')
}

/** The volume has room for a few segments and a snapshot. */
function fillVolume(disk: SimDisk): void {
  disk.setFaults({ capacityBytes: disk.stats().usedBytes + whole(40_000) })
}

const worlds = [
  ['an orderly disk', undefined, 150],
  ['a disk that fails once', failOnce, 120],
  ['a volume that is nearly full', fillVolume, 60],
] as const

for (const [where, harm, seeds] of worlds) {
  test(
    `what acknowledged records have made is there after every crash, with ${where}`,
    { timeout: 300_000 * soak },
    async () => {
      const { failed } = await simulate(() => liveAndCrashStore(harm), {
        seeds: seeds * soak,
        maxFailures: 1,
      })
      expect(failed[0]?.error).toBeUndefined()
    },
  )
}
