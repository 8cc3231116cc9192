import assert from 'node:assert/strict'
import { createOwner, moveOnAfter, sleep, type Task } from '@ipfs-kit/concurrency'

// Work that serves several callers runs in the scope of its owner, so that no caller who leaves takes it along.
await using owner = createOwner({ name: 'cache' })
const flights = new Map<string, Task<string>>()
let loads = 0

/** The content of a key. Callers who ask at the same time share one load. */
async function load(key: string): Promise<string> {
  let flight = flights.get(key)
  if (flight === undefined) {
    flight = owner.spawn(async () => {
      try {
        loads += 1
        await sleep(10)
        return `content of ${key}`
      } finally {
        flights.delete(key)
      }
    })
    flights.set(key, flight)
  }
  // Each caller waits in its own scope.
  return await flight
}

const [impatient, patient] = await Promise.all([moveOnAfter(1, () => load('photo')), load('photo')])
assert.equal(impatient, undefined)
assert.equal(patient, 'content of photo')
assert.equal(loads, 1)
assert.deepEqual(owner.stats(), { tasks: 0, spawned: 1, failed: 0, closed: false })
