import assert from 'node:assert/strict'
import { asCompleted, map, race, sleep } from '@ipfs-kit/concurrency'

// At most two at once, results in the order of the items. The first failure cancels the rest.
let running = 0
const lengths = await map(
  ['a', 'bb', 'ccc', 'dddd'],
  async (name) => {
    running += 1
    assert(running <= 2)
    await sleep(1)
    running -= 1
    return name.length
  },
  { concurrency: 2 },
)
assert.deepEqual(lengths, [1, 2, 3, 4])

// The losers of a race are cancelled, and have ended when it returns.
let ended = false
const winner = await race([
  async () => {
    await sleep(1)
    return 'near'
  },
  async () => {
    try {
      await sleep(60_000)
      return 'far'
    } finally {
      ended = true
    }
  },
])
assert.equal(winner, 'near')
assert(ended)

// With `fulfilled` failures lose, unless everybody fails.
const mirrors = [() => Promise.reject(new Error('gone')), () => Promise.resolve('content')]
assert.equal(await race(mirrors, { until: 'fulfilled' }), 'content')

// Results as they come. When enough is taken the others are cancelled.
const waits = [5000, 1, 60_000].map((ms) => async () => {
  await sleep(ms)
  return ms
})
const fastest = await asCompleted(
  waits,
  async (results) => {
    for await (const ms of results) return ms
    return undefined
  },
  { concurrency: 3 },
)
assert.equal(fastest, 1)
