import assert from 'node:assert/strict'
import { map, sleep, type Scope } from '@ipfs-kit/concurrency'

interface ReadOptions {
  /** Stops the reads; their reason passes untouched. */
  readonly signal?: AbortSignal | undefined
}

let reading = 0

/** Stands for a read that takes a signal itself: a fetch, a file. */
async function read(name: string, task: Scope): Promise<string> {
  reading += 1
  try {
    await sleep(name === 'slow' ? 60_000 : 1, { scope: task })
    return `content of ${name}`
  } finally {
    reading -= 1
  }
}

/**
 * A function of a library: its callers know signals, and nothing of scopes. It returns when all that it began has ended, in a
 * scope of the caller as well as in none.
 */
async function readAll(names: readonly string[], { signal }: ReadOptions = {}): Promise<string[]> {
  return await map(names, (name, _, task) => read(name, task), { concurrency: 4, signal })
}

assert.deepEqual(await readAll(['a', 'b']), ['content of a', 'content of b'])

const abort = new AbortController()
const reason = new Error('the user left')
const reads = readAll(['a', 'slow', 'b'], { signal: abort.signal })
abort.abort(reason)
await assert.rejects(reads, (error) => error === reason)
assert.equal(reading, 0)
