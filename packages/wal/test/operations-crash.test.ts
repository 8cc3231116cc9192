import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { liveAndCrash } from './operations/world.ts'

test(
  'no acknowledged operation is lost, none is run by two at once, and attempts are counted, whatever crashes',
  { timeout: 120_000 * soak },
  async () => {
    const { failed } = await simulate(liveAndCrash, { seeds: 300 * soak, maxFailures: 1 })
    expect(failed[0]?.error).toBeUndefined()
  },
)
