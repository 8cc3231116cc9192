import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { failNowAndThen, failOnce, fillVolume, slowDown } from './crash/harms.ts'
import { crashAtManyMoments, liveAndCrash } from './crash/lives.ts'

/** Entries in memory, so few that most packs are answered from their footers. */
const cold = { maxIndexedEntries: 40 }

/** Each seed is a world of two lives: so many crashes, and crashes while opening besides. All seeds are 1,000 and more. */
const lives = [
  ['an orderly disk', {}, 155],
  ['a disk that fails once', { harm: failOnce }, 140],
  ['a disk that fails now and then', { harm: failNowAndThen }, 140],
  ['a volume that is nearly full', { harm: fillVolume }, 85],
  ['a slow disk', { harm: slowDown }, 85],
  ['an index that answers from footers', { options: cold }, 85],
  ['an index that answers from footers of a disk that fails', { options: cold, harm: failNowAndThen }, 85],
] as const

for (const [where, how, seeds] of lives) {
  test(
    `what was claimed is complete after every crash, with ${where}`,
    { timeout: 300_000 * soak },
    async () => {
      const { failed } = await simulate(() => liveAndCrash(how), { seeds: seeds * soak, maxFailures: 1 })
      expect(failed[0]?.error).toBeUndefined()
    },
  )
}

const moments = [
  ['an orderly disk', {}, 105],
  ['a disk that fails', { harm: failNowAndThen }, 70],
  ['an index that answers from footers', { options: cold }, 70],
] as const

for (const [where, how, seeds] of moments) {
  test(
    `what was claimed is complete wherever the power is lost, with ${where}`,
    { timeout: 300_000 * soak },
    async () => {
      let crashes = 0
      const world = async (): Promise<void> => {
        crashes += await crashAtManyMoments(how, 8)
      }
      const { failed } = await simulate(world, { seeds: seeds * soak, maxFailures: 1 })
      expect(failed[0]?.error).toBeUndefined()
      expect(crashes).toBeGreaterThan(seeds * soak * 5)
    },
  )
}
