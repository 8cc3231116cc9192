import assert from 'node:assert/strict'
import {
  failAfter,
  moveOnAfter,
  now,
  random,
  sim,
  sleep,
  throwIfCancelled,
  withBackend,
} from '@ipfs-kit/concurrency'

/** Calls `attempt` until it succeeds, `tries` times at most. Each attempt has a second, and the pauses double. */
async function retry<T>(attempt: () => Promise<T>, tries: number): Promise<T> {
  for (let pauseMs = 100; ; pauseMs *= 2) {
    try {
      // The TimeoutError of the attempt's own limit is a failure like others.
      return await failAfter(1000, attempt)
    } catch (error) {
      // A cancellation or a deadline from around the loop is none: there is nothing to try again.
      throwIfCancelled()
      tries -= 1
      if (tries === 0) throw error
    }
    await sleep(pauseMs * (0.5 + random()))
  }
}

// Run simulated, so that the seconds below take no time.
async function main(): Promise<void> {
  let calls = 0
  const flaky = async () => {
    calls += 1
    if (calls === 1) throw new Error('connection reset')
    if (calls === 2) await sleep(60_000)
    return 'content'
  }
  assert.equal(await retry(flaky, 5), 'content')
  assert.equal(calls, 3)

  // A deadline for all attempts together ends the loop in the middle of one.
  let hung = 0
  const hanging = async () => {
    hung += 1
    await sleep(Infinity)
  }
  const began = now()
  assert.equal(await moveOnAfter(1500, () => retry(hanging, 100)), undefined)
  assert.equal(now(), began + 1500)
  assert.equal(hung, 2)
}

await withBackend(main, { backend: sim(1) })
