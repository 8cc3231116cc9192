import assert from 'node:assert/strict'
import {
  checkpoint,
  createCapacityLimiter,
  createSemaphore,
  map,
  sleep,
  taskGroup,
} from '@ipfs-kit/concurrency'

let running = 0
let most = 0

/** Stands for a request. */
async function get(name: string): Promise<string> {
  running += 1
  most = Math.max(most, running)
  await sleep(1)
  running -= 1
  return `content of ${name}`
}

const names = ['a', 'b', 'c', 'd', 'e']

// const limit = pLimit(2); await Promise.all(names.map((name) => limit(() => get(name))))
const contents = await map(names, (name) => get(name), { concurrency: 2 })
assert.equal(contents[4], 'content of e')
assert.equal(most, 2)

// One limit for calls from several places: limit(() => get(name)).
const slots = createSemaphore(2, { name: 'requests' })
async function limited<T>(work: () => Promise<T>): Promise<T> {
  using _slot = await slots.acquire()
  return await work()
}
assert.equal(await limited(() => get('a')), 'content of a')
await taskGroup(async (group) => {
  for (let at = 0; at < 5; at++) group.spawn(() => limited(() => sleep(60_000)))
  await checkpoint()
  // limit.activeCount, limit.pendingCount
  assert.equal(slots.available, 0)
  assert.equal(slots.stats().waiting, 3)
  // limit.clearQueue(), but what runs is cancelled too, and all have ended when the group returns.
  group.cancel()
})
assert.equal(slots.available, 2)

// limit.concurrency = 3
const limiter = createCapacityLimiter(1)
limiter.total = 3
assert.equal(limiter.available, 3)
