import assert from 'node:assert/strict'
import { TaskGroupError, map, race, sleep, taskGroup, throwIfCancelled } from '@ipfs-kit/concurrency'

let ended = 0

/** Stands for work. Each one that was begun counts when it ends. */
async function work<T>(ms: number, value: T): Promise<T> {
  try {
    await sleep(ms)
    if (value === 'bad') throw new Error('no such content')
    return value
  } finally {
    ended += 1
  }
}

// await Promise.all([work(1, 'a'), work(2, 7)])
const [text, count] = await taskGroup(async (group) => {
  const first = group.spawn(() => work(1, 'a'))
  const second = group.spawn(() => work(2, 7))
  return [await first, await second] as const
})
assert.equal(text.length + count, 8)

// Promise.all rejects while the rest runs on, and drops the second failure. Here the rest is cancelled and has ended.
ended = 0
const failing = map([1, 60_000, 60_000], (ms) => work(ms, ms === 1 ? 'bad' : 'good'))
await assert.rejects(
  failing,
  (error) => error instanceof TaskGroupError && /no such/.test(String(error.cause)),
)
assert.equal(ended, 3)

// await Promise.race([…]) leaves the losers running. Here they are cancelled and awaited.
ended = 0
assert.equal(await race([() => work(1, 'near'), () => work(60_000, 'far')]), 'near')
assert.equal(ended, 2)

// await Promise.any([…])
const mirrors = [() => work(1, 'bad'), () => work(2, 'content')]
assert.equal(await race(mirrors, { until: 'fulfilled' }), 'content')

// await Promise.allSettled([…])
const outcomes = await map(['bad', 'good'], async (value) => {
  try {
    return { value: await work(1, value) }
  } catch (error) {
    // What is cancelled has no outcome to report.
    throwIfCancelled()
    return { error: String(error) }
  }
})
assert.deepEqual(outcomes, [{ error: 'Error: no such content' }, { value: 'good' }])
