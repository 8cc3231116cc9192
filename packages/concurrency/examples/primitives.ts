import assert from 'node:assert/strict'
import {
  checkpoint,
  createCapacityLimiter,
  createCondition,
  createEvent,
  createKeyedLock,
  createLock,
  createResourceGuard,
  createSemaphore,
  moveOnAfter,
  taskGroup,
} from '@ipfs-kit/concurrency'

// A permit is given back at the end of the block, and goes to the one who waits longest.
const semaphore = createSemaphore(2, { name: 'disk' })
let most = 0
await taskGroup((group) => {
  for (let at = 0; at < 5; at++) {
    group.spawn(async () => {
      using _permit = await semaphore.acquire()
      most = Math.max(most, 2 - semaphore.available)
      await checkpoint()
    })
  }
})
assert.equal(most, 2)

// Who stops waiting leaves the queue at once and takes nothing along.
const lock = createLock()
const permit = await lock.acquire()
assert.equal(await moveOnAfter(1, () => lock.acquire()), undefined)
assert.equal(lock.stats().waiting, 0)
permit.release()
assert.equal(lock.locked, false)

// Who has one key does not hold up those who want another.
const files = createKeyedLock<string>({ name: 'files' })
using _a = await files.acquire('a.txt')
using _b = await files.acquire('b.txt')
assert.equal(await moveOnAfter(1, () => files.acquire('a.txt')), undefined)
assert.equal(files.isLocked('c.txt'), false)

// A condition waits, outside its lock, for a change of what the lock protects.
const condition = createCondition()
const jobs: string[] = []
await taskGroup(async (group) => {
  const worker = group.spawn(async () => {
    using _held = await condition.acquire()
    await condition.waitFor(() => jobs.length > 0)
    return jobs.shift()
  })
  await checkpoint()
  {
    using _held = await condition.acquire()
    jobs.push('copy')
    condition.notify()
  }
  assert.equal(await worker, 'copy')
})

// An event happens once, and lets everybody on.
const ready = createEvent()
await taskGroup((group) => {
  group.spawn(() => ready.wait())
  group.spawn(() => ready.wait())
  ready.set()
})

// A limiter lends one token to each borrower, by default the task that asks. Its total can change while it is used.
const limiter = createCapacityLimiter(1)
const first = await limiter.acquire({ borrower: 'peer A' })
await assert.rejects(limiter.acquire({ borrower: 'peer A' }), { code: 'CONCURRENCY_HELD_ALREADY' })
assert.equal(limiter.tryAcquire({ borrower: 'peer B' }), undefined)
limiter.total = 2
using _second = await limiter.acquire({ borrower: 'peer B' })
first.release()

// A guard shows that something is used by two tasks at once where nobody should have to wait.
const socket = createResourceGuard({ name: 'socket' })
{
  using _reading = socket.enter()
  assert.throws(() => socket.enter(), { code: 'CONCURRENCY_BUSY' })
}
