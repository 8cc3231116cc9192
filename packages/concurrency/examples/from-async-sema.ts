import assert from 'node:assert/strict'
import { channel, createSemaphore, now, sim, sleepUntil, taskGroup, withBackend } from '@ipfs-kit/concurrency'

// const sema = new Sema(2); await sema.acquire(); try { … } finally { sema.release() }
const semaphore = createSemaphore(2)
{
  using _permit = await semaphore.acquire()
  assert.equal(semaphore.available, 1)
}
assert.equal(semaphore.available, 2)

// tryAcquire(), nrWaiting()
const permit = semaphore.tryAcquire()
assert.equal(semaphore.stats().waiting, 0)
// A second release is refused. It would let one more in than there is room for.
permit?.release()
assert.throws(() => permit?.release(), { code: 'CONCURRENCY_NOT_HELD' })

// new Sema(2, { initFn }): tokens that are things to use. A channel holds those that nobody uses.
const [back, connections] = channel<{ readonly id: number }>(2)
for (const id of [1, 2]) back.trySend({ id })
const used = new Set<number>()
await taskGroup((group) => {
  for (let at = 0; at < 4; at++) {
    group.spawn(async () => {
      const connection = await connections.receive()
      try {
        used.add(connection.id)
      } finally {
        // There is always room: what comes back was taken out.
        assert(back.trySend(connection))
      }
    })
  }
})
assert.deepEqual(
  [...used].sort((a, b) => a - b),
  [1, 2],
)

/** RateLimit(perSecond, { uniformDistribution: true }): each call waits for its place in time. */
function pace(perSecond: number): () => Promise<void> {
  let next = now()
  return async () => {
    const mine = Math.max(next, now())
    next = mine + 1000 / perSecond
    await sleepUntil(mine)
  }
}

// Run simulated, so that the seconds take no time.
async function main(): Promise<void> {
  const turn = pace(5)
  const began = now()
  for (let call = 0; call < 11; call++) await turn()
  assert.equal(now() - began, 2000)
}
await withBackend(main, { backend: sim(1) })
