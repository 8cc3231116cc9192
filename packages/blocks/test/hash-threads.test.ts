import { hash, randomFillSync } from 'node:crypto'
import { cancelScope, sim, withBackend } from '@ipfs-kit/concurrency'
import { expect, onTestFinished, test } from 'vitest'
import { digestOf, lost, verifyGiven } from '../src/digest.ts'
import { HashThreads, leastMovedBytes } from '../src/hash-threads.ts'

const content = randomFillSync(Buffer.alloc(leastMovedBytes + 100))
const sha256 = hash('sha256', content, 'buffer')

/** Bytes that nobody else has. */
function given(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(content)
}

function shared(): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(content.length))
  bytes.set(content)
  return bytes
}

/** Asks threads until they have been started and take what comes. */
async function warm(threads = new HashThreads()): Promise<HashThreads> {
  for (let rounds = 0; rounds < 100_000; rounds += 1) {
    const hashing = threads.hashShared('sha256', shared())
    if (hashing !== undefined) {
      await hashing
      return threads
    }
    await new Promise(setImmediate)
  }
  throw new Error('No thread ever took a value')
}

test('the first large values are for the caller: threads are started for a program that has many', async () => {
  let started = 0
  const began = (): void => void (started += 1)
  process.on('worker', began)
  onTestFinished(() => void process.off('worker', began))
  const threads = new HashThreads()
  for (let bytes = content.length; bytes < 16 * 1_048_576; bytes += content.length) {
    const hashing =
      bytes % 2 === 0 ? threads.hashMoved('sha256', given()) : threads.hashShared('sha256', shared())
    expect(hashing).toBeUndefined()
    await new Promise(setImmediate)
  }
  expect(started).toBe(0)
  await warm(threads)
  expect(started).toBeGreaterThan(1)
})

test('threads give the digests that are computed here, and the bytes back', async () => {
  const threads = await warm()
  for (const name of ['sha256', 'sha512'] as const) {
    for (const from of [0, 5]) {
      const expected = hash(name, content.subarray(from), 'buffer')
      const moved = (await threads.hashMoved(name, given().subarray(from)))!
      expect(Buffer.compare(moved.digest, expected)).toBe(0)
      expect(Buffer.compare(moved.bytes, content.subarray(from))).toBe(0)
      const digest = (await threads.hashShared(name, shared().subarray(from)))!
      expect(Buffer.compare(digest, expected)).toBe(0)
    }
  }
})

test('what is small is for the caller, also when there are threads', async () => {
  const threads = await warm()
  expect(threads.hashMoved('sha256', given().slice(0, leastMovedBytes - 1))).toBeUndefined()
})

test('more than the threads can take is for the caller', async () => {
  const threads = await warm()
  const many = Array.from({ length: 64 }, () => threads.hashMoved('sha256', given()))
  expect(many.some((one) => one === undefined)).toBe(true)
  const taken = await Promise.all(many.filter((one) => one !== undefined))
  expect(taken.length).toBeGreaterThan(0)
  for (const one of taken) expect(Buffer.compare(one!.digest, sha256)).toBe(0)
})

test('the simulator has no threads', async () => {
  const threads = await warm()
  await withBackend(
    async () => {
      expect(threads.hashMoved('sha256', given())).toBeUndefined()
    },
    { backend: sim(1) },
  )
})

test('a thread that cannot take its value costs that value and no more, and none is asked for a while', async () => {
  const threads = await warm()
  const detached = given()
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  // It looks as if it were there.
  Object.defineProperty(detached, 'length', { value: leastMovedBytes })
  expect(await threads.hashMoved('sha256', detached)).toBeUndefined()
  expect(threads.hashMoved('sha256', given())).toBeUndefined()
})

test('threads that cannot be started are no failure of anybody', async () => {
  const threads = new HashThreads(new URL('./there-is-no-such-file.ts', import.meta.url))
  for (let round = 0; round < 2000; round += 1) {
    expect(threads.hashShared('sha256', shared())).toBeUndefined()
    if (round % 50 === 0) await new Promise(setImmediate)
  }
})

test('bytes that are not those of a multihash are found by a thread as well', async () => {
  const multihash = Buffer.concat([Buffer.from([0x12, 32]), sha256])
  // Until the threads of the program take what comes.
  while (!(verifyGiven(multihash, given()) instanceof Promise)) await new Promise(setImmediate)
  expect(await verifyGiven(multihash, given())).toHaveLength(content.length)
  for (const at of [0, 100_000, content.length - 1]) {
    const changed = given()
    changed[at]! ^= 1
    const verified = await verifyGiven(multihash, changed)
    expect(verified).not.toBe(lost)
    expect(verified).toBeUndefined()
  }
  // A part of larger memory, which others may use, is not given away.
  const memory = new Uint8Array(2 * content.length)
  memory.set(content, 10)
  const part = memory.subarray(10, 10 + content.length)
  expect(await verifyGiven(multihash, part)).toBe(part)
  expect(memory.length).toBe(2 * content.length)
})

test('a digest is the same wherever it was computed', async () => {
  while (!(digestOf(shared()) instanceof Promise)) await new Promise(setImmediate)
  for (const bytes of [shared(), given(), given().subarray(0, 1000)]) {
    const expected = hash('sha256', new Uint8Array(bytes), 'buffer')
    expect(Buffer.compare(await digestOf(bytes), expected)).toBe(0)
  }
})

test('a caller that is cancelled costs no thread, and its value is hashed to the end', async () => {
  const threads = await warm()
  const hashing = await cancelScope(async (scope) => {
    const begun = threads.hashMoved('sha256', given())
    scope.cancel()
    return { begun }
  })
  expect(Buffer.compare((await hashing!.begun)!.digest, sha256)).toBe(0)
  expect(await threads.hashMoved('sha256', given())).toMatchObject({ digest: new Uint8Array(sha256) })
})
