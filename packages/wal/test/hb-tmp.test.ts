import { simulate } from '@ipfs-kit/concurrency/testing'
import { test } from 'vitest'
import { liveAndCrash } from './operations/world.ts'
test('x', { timeout: 300_000 }, async () => {
  const slow: unknown[] = []
  for (let seed = 61; seed <= 200; seed++) {
    const b = process.cpuUsage().user
    const { failed } = await simulate(() => liveAndCrash(0), { seeds: [seed, seed] as never, maxFailures: 1 })
    const ms = (process.cpuUsage().user - b) / 1000
    if (failed[0]) console.log(seed, String(failed[0].error).slice(0, 500))
    slow.push(Math.round(ms))
  }
  console.log(slow.join(' '))
})
