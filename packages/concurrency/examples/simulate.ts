import assert from 'node:assert/strict'
import { checkpoint, createSemaphore, now, sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'

/** Two tasks add one each. Between reading and writing they wait, as for a disk. */
async function count(guarded: boolean): Promise<void> {
  let value = 0
  const semaphore = createSemaphore(1)
  const add = async () => {
    using _permit = guarded ? await semaphore.acquire() : undefined
    const before = value
    await checkpoint()
    value = before + 1
  }
  await taskGroup((group) => {
    group.spawn(add)
    group.spawn(add)
  })
  assert.equal(value, 2)
}

// Each seed is another order of events. Most of them show that the count is wrong, and none does with the semaphore.
const broken = await simulate(() => count(false), { seeds: 50 })
assert(broken.failed.length > 0)
const fixed = await simulate(() => count(true), { seeds: 50 })
assert.equal(fixed.failed.length, 0)

// The seed of a failure gives that very run again, step by step.
const { seed } = broken.failed[0]!
const traceOf = async () => {
  const lines: string[] = []
  const backend = sim(seed, { trace: (line) => lines.push(line) })
  await assert.rejects(withBackend(() => count(false), { backend }))
  return lines.join('\n')
}
assert.equal(await traceOf(), await traceOf())

// Time is virtual: when nothing can go on, the clock jumps to the next timer.
const day = 24 * 60 * 60 * 1000
const began = performance.now()
await withBackend(
  async () => {
    await sleep(day)
    assert.equal(now(), day)
  },
  { backend: sim(1) },
)
assert(performance.now() - began < 1000)

// When there is no timer either, the run fails and says who waits for what.
const stuck = withBackend(
  async () => {
    const semaphore = createSemaphore(1, { name: 'disk' })
    await semaphore.acquire()
    await semaphore.acquire()
  },
  { backend: sim(1) },
)
await assert.rejects(stuck, { code: 'CONCURRENCY_SIM_DEADLOCK', message: /waits: semaphore "disk"/ })
