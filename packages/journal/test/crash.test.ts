import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { failNowAndThen, failOnce, fillVolume } from './crash/harms.ts'
import { liveAndCrash } from './crash/lives.ts'

/** How much is tried: more when the soak runs. */
const soak = Math.max(1, Number(process.env['IPFS_KIT_SOAK'] ?? 1))

test.each([
  ['an orderly disk', undefined, 400],
  ['a disk that fails once', failOnce, 250],
  ['a disk that fails now and then', failNowAndThen, 200],
  ['a volume that is nearly full', fillVolume, 150],
] as const)(
  'what was answered is there after every crash, and nothing else, with %s',
  { timeout: 300_000 * soak },
  async (_, harm, seeds) => {
    const { failed } = await simulate(() => liveAndCrash(harm), { seeds: seeds * soak, maxFailures: 1 })
    expect(failed[0]?.error).toBeUndefined()
  },
)
