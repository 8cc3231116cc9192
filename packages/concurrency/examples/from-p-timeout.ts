import assert from 'node:assert/strict'
import { TimeoutError, failAfter, moveOnAfter, run, sleep } from '@ipfs-kit/concurrency'

let stopped = false

/** Stands for work that takes too long. */
async function slow(): Promise<string> {
  try {
    await sleep(60_000)
    return 'content'
  } finally {
    stopped = true
  }
}

// await pTimeout(slow(), { milliseconds: 5 }). The work is given, not its promise, and has ended when this rejects.
await assert.rejects(
  failAfter(5, slow, { name: 'download' }),
  (error) => error instanceof TimeoutError && error.scope === 'download',
)
assert(stopped)

// { message: false }
assert.equal(await moveOnAfter(5, slow), undefined)

// { fallback: () => 'old content' }
assert.equal((await moveOnAfter(5, slow)) ?? 'old content', 'old content')

// A promise that is there already. As with p-timeout, what is behind it goes on.
const foreign = Promise.withResolvers<string>()
await assert.rejects(
  failAfter(5, () => run(foreign.promise)),
  { name: 'TimeoutError' },
)

// { signal }: the wait ends with the reason of the signal.
const signal = AbortSignal.abort(new Error('the user left'))
await assert.rejects(failAfter(5, slow, { signal }), /the user left/)
