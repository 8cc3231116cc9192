import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { liveAndCrash } from './operations/world.ts'

/** Each seed is a world of some lives. */
for (const [how, lagMs, seeds] of [
  ['', 0, 100],
  [', with an index that is behind the log', 20, 100],
] as const) {
  test(
    `no acknowledged operation is lost, none is run by two at once, and attempts are counted, whatever crashes${how}`,
    { timeout: 300_000 * soak },
    async () => {
      const { failed } = await simulate(() => liveAndCrash(lagMs), { seeds: seeds * soak, maxFailures: 1 })
      expect(failed[0]?.error).toBeUndefined()
    },
  )
}
