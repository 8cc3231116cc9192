import { hash, randomFillSync } from 'node:crypto'
import { sim, withBackend } from '@ipfs-kit/concurrency'
import { expect, test } from 'vitest'
import { verifyGiven } from '../src/digest.ts'
import { type Hashed, HashThreads, leastThreadBytes } from '../src/hash-threads.ts'

const content = randomFillSync(Buffer.alloc(leastThreadBytes + 100))
const sha256 = hash('sha256', content, 'buffer')

/** Bytes that nobody else has. */
function given(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(content)
}

function shared(): Uint8Array<SharedArrayBuffer> {
  const bytes = new Uint8Array(new SharedArrayBuffer(content.length))
  bytes.set(content)
  return bytes
}

/** Hashes until a thread has been started that takes what comes. */
async function warm(): Promise<HashThreads> {
  const threads = new HashThreads()
  for (let rounds = 0; rounds < 10_000; rounds += 1) {
    const hashing = threads.hash('sha256', given())
    if (hashing instanceof Promise) {
      await hashing
      return threads
    }
    await new Promise(setImmediate)
  }
  throw new Error('No thread ever took a value')
}

test('the first large values are hashed at once: threads are started for those that have many', () => {
  const first = new HashThreads().hash('sha256', given()) as Hashed
  expect(Buffer.compare(first.digest, sha256)).toBe(0)
  expect(first.bytes.length).toBe(content.length)
})

test('threads give the digests that are computed here, and the bytes back', async () => {
  const threads = await warm()
  for (const [name, size] of [
    ['sha256', 32],
    ['sha512', 64],
  ] as const) {
    for (const bytes of [given(), shared(), given().subarray(5), shared().subarray(5)]) {
      const expected = new Uint8Array(bytes)
      const hashing = threads.hash(name, bytes)
      expect(hashing).toBeInstanceOf(Promise)
      const hashed = await hashing
      expect(hashed.digest.length).toBe(size)
      expect(Buffer.compare(hashed.digest, hash(name, expected, 'buffer'))).toBe(0)
      expect(Buffer.compare(hashed.bytes, expected)).toBe(0)
      if (bytes.buffer instanceof SharedArrayBuffer) expect(hashed.bytes).toBe(bytes)
    }
  }
})

test('what is small is hashed at once, also when there are threads', async () => {
  const threads = await warm()
  const bytes = given().slice(0, leastThreadBytes - 1)
  expect(threads.hash('sha256', bytes)).not.toBeInstanceOf(Promise)
})

test('more than the threads can take is hashed here', async () => {
  const threads = await warm()
  const many = Array.from({ length: 64 }, () => threads.hash('sha256', given()))
  expect(many.some((one) => one instanceof Promise)).toBe(true)
  expect(many.some((one) => !(one instanceof Promise))).toBe(true)
  for (const one of many) expect(Buffer.compare((await one).digest, sha256)).toBe(0)
})

test('a thread finds bytes that are not those of a multihash', async () => {
  const multihash = Buffer.concat([Buffer.from([0x12, 32]), sha256])
  // Until the threads of the program take what comes.
  while (!(verifyGiven(multihash, given()) instanceof Promise)) await new Promise(setImmediate)
  expect(await verifyGiven(multihash, given())).toHaveLength(content.length)
  for (const at of [0, 100_000, content.length - 1]) {
    const changed = given()
    changed[at]! ^= 1
    expect(await verifyGiven(multihash, changed)).toBeUndefined()
  }
})

test('the simulator hashes here', async () => {
  const threads = await warm()
  await withBackend(
    async () => {
      expect(threads.hash('sha256', given())).not.toBeInstanceOf(Promise)
    },
    { backend: sim(1) },
  )
})
