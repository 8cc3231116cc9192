import assert from 'node:assert/strict'
import { createOwner, moveOnAfter, sleep, type Task } from '@ipfs-kit/concurrency'

/** A load, and how many wait for it. */
interface Flight {
  readonly task: Task<string>
  callers: number
}

await using owner = createOwner({ name: 'cache' })
const flights = new Map<string, Flight>()
let finished = 0

/** The content of a key. Callers share one load, and the last of them who leaves takes it along. */
async function load(key: string): Promise<string> {
  const flight = flights.get(key) ?? begin(key)
  flight.callers += 1
  try {
    return await flight.task
  } finally {
    flight.callers -= 1
    if (flight.callers === 0) {
      // Whoever comes now begins anew, and does not wait for something that is cancelled.
      forget(key, flight)
      flight.task.cancel('nobody waits for it any more')
    }
  }
}

function begin(key: string): Flight {
  const task = owner.spawn(async () => {
    try {
      await sleep(key === 'film' ? 60_000 : 1)
      finished += 1
      return `content of ${key}`
    } finally {
      forget(key, flight)
    }
  })
  const flight: Flight = { task, callers: 0 }
  flights.set(key, flight)
  return flight
}

function forget(key: string, flight: Flight): void {
  if (flights.get(key) === flight) flights.delete(key)
}

const leaving = [moveOnAfter(1, () => load('film')), moveOnAfter(2, () => load('film'))]
assert.deepEqual(await Promise.all(leaving), [undefined, undefined])
assert.equal(flights.size, 0)
assert.equal(finished, 0)

assert.equal(await load('photo'), 'content of photo')
assert.equal(finished, 1)
assert.equal(owner.stats().spawned, 2)
