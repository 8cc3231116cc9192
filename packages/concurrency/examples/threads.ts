import assert from 'node:assert/strict'
import { moveOnAfter, sleep } from '@ipfs-kit/concurrency'
import { createThreadPool, transfer, type Portal } from '@ipfs-kit/concurrency/thread'

await using pool = createThreadPool({ threads: 2 })

// A function that stands alone runs on a thread of its own; arguments and results are cloned.
const primes = (limit: number) => {
  const found: number[] = []
  for (let n = 2; n <= limit; n++) if (found.every((prime) => n % prime !== 0)) found.push(n)
  return found
}
assert.deepEqual(await pool.run(primes, [20]), [2, 3, 5, 7, 11, 13, 17, 19])

// A cancelled or late call really stops, in the middle of a loop.
const spin = () => {
  for (;;);
}
await assert.rejects(pool.run(spin, [], { timeoutMs: 50 }), { name: 'TimeoutError' })
assert.equal(await moveOnAfter(50, () => pool.run(spin, [])), undefined)

// Buffers can be moved instead of copied.
const bytes = new Uint8Array([3, 1, 2])
const sorted = await pool.run((part: Uint8Array<ArrayBuffer>) => part.sort(), [bytes], {
  transfer: [bytes.buffer],
})
assert.deepEqual(sorted, new Uint8Array([1, 2, 3]))
assert.equal(bytes.byteLength, 0)

// A thread can call functions of its caller, and wait for them even where nothing can be awaited.
const look = async (name: string) => {
  await sleep(1)
  const found = new TextEncoder().encode(`content of ${name}`)
  return transfer(found, [found.buffer])
}
const lengths = (names: string[], portal: Portal) =>
  names.map((name) => portal.callSync<Uint8Array>('look', name).byteLength)
assert.deepEqual(await pool.run(lengths, [['a', 'bcd']], { portal: { look } }), [12, 14])
