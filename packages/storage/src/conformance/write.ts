/** Cases about what a put leaves behind. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chunked, failing, gated } from './bodies.ts'
import { assertCode, assertRejectsWith, assertShows, put, read, sizeOf } from './ground.ts'
import type { ConformanceCase, Ground } from './ground.ts'

/** Runs only where objects can be written; elsewhere asserts that they cannot. */
function writing(run: (ground: Ground) => Promise<void>): (ground: Ground) => Promise<void> {
  return async (ground) => {
    if (ground.backend.supports.write) return run(ground)
    await assertCode(ground.backend.put(await ground.absentKey(), randomBytes(10)), 'STORAGE_NOT_SUPPORTED')
  }
}

/** Runs only where the value of a key can change. Where keys are CIDs, other bytes have another key. */
function replacing(run: (ground: Ground) => Promise<void>): (ground: Ground) => Promise<void> {
  return writing(async (ground) => {
    if (ground.backend.supports.keys === 'any') return run(ground)
    const bytes = randomBytes(1000)
    const key = await put(ground, 'same', bytes)
    await ground.backend.put(key, bytes)
    await assertShows(ground, key, bytes)
  })
}

const sizes = [0, 1, 1000, 65_535, 65_536, 65_537, 200_001]

export const writeCases: readonly ConformanceCase[] = [
  {
    title: 'put shows at once, whole and with its size, whatever the size',
    run: writing(async (ground) => {
      for (const size of sizes) {
        const bytes = randomBytes(size)
        const key = await ground.key(`size-${size}`, bytes)
        assert.deepEqual(sizeOf(await ground.backend.put(key, bytes)), { key, size })
        await assertShows(ground, key, bytes)
      }
    }),
  },
  {
    title: 'put takes a stream in chunks of any size',
    run: writing(async (ground) => {
      for (const chunkBytes of [7, 65_536, 99_999]) {
        const bytes = randomBytes(100_003)
        const key = await ground.key(`chunks-${chunkBytes}`, bytes)
        const stat = await ground.backend.put(key, chunked(bytes, chunkBytes), { size: bytes.byteLength })
        assert.deepEqual(sizeOf(stat), { key, size: bytes.byteLength })
        await assertShows(ground, key, bytes)
      }
      const empty = await ground.key('empty-stream', new Uint8Array())
      await ground.backend.put(empty, chunked(new Uint8Array(), 1))
      await assertShows(ground, empty, new Uint8Array())
    }),
  },
  {
    title: 'put replaces the former value, also by a shorter one',
    run: replacing(async (ground) => {
      const key = await put(ground, 'replaced', randomBytes(100_000))
      const bytes = randomBytes(10)
      await ground.backend.put(key, bytes)
      await assertShows(ground, key, bytes)
    }),
  },
  {
    title: 'put copies: a buffer that the caller uses again does not change the object',
    run: writing(async (ground) => {
      const bytes = randomBytes(1000)
      const key = await ground.key('copied', bytes)
      const buffer = Uint8Array.from(bytes)
      await ground.backend.put(key, buffer)
      buffer.fill(0)
      await assertShows(ground, key, bytes)

      const other = randomBytes(5000)
      const streamed = await ground.key('copied-stream', other)
      await ground.backend.put(streamed, reusing(other))
      await assertShows(ground, streamed, other)
    }),
  },
  {
    title: 'a new key is not seen before its put is complete',
    run: writing(async (ground) => {
      const bytes = randomBytes(100_000)
      const key = await ground.key('torn', bytes)
      const half = gated(bytes)
      const putting = ground.backend.put(key, half.body)
      try {
        await ground.settles(half.reached, 'the put began')
        await assertShows(ground, key, undefined)
      } finally {
        half.open()
        await putting
      }
      await assertShows(ground, key, bytes)
    }),
  },
  {
    title: 'the former value is seen whole until the put of the next is complete',
    run: replacing(async (ground) => {
      const former = randomBytes(50_000)
      const key = await put(ground, 'torn-over', former)
      const bytes = randomBytes(100_000)
      const half = gated(bytes)
      const putting = ground.backend.put(key, half.body)
      try {
        await ground.settles(half.reached, 'the put began')
        await assertShows(ground, key, former)
      } finally {
        half.open()
        await putting
      }
      await assertShows(ground, key, bytes)
    }),
  },
  {
    title: 'a body that fails passes its error through and leaves no object',
    run: writing(async (ground) => {
      const bytes = randomBytes(100_000)
      const key = await ground.key('failed', bytes)
      const error = new Error('the source failed')
      await assertRejectsWith(ground.backend.put(key, failing(bytes, error)), error)
      await assertShows(ground, key, undefined)
    }),
  },
  {
    title: 'a body that fails leaves the former value',
    run: replacing(async (ground) => {
      const former = randomBytes(50_000)
      const key = await put(ground, 'failed-over', former)
      const error = new Error('the source failed')
      await assertRejectsWith(ground.backend.put(key, failing(randomBytes(100_000), error)), error)
      await assertShows(ground, key, former)
    }),
  },
  {
    title: 'a body of another size than declared is refused and leaves no object',
    run: writing(async (ground) => {
      const bytes = randomBytes(10_000)
      const key = await ground.key('sized', bytes)
      for (const size of [9_999, 10_001, 0]) {
        await assertCode(ground.backend.put(key, chunked(bytes, 1000), { size }), 'STORAGE_SIZE_MISMATCH')
        await assertCode(ground.backend.put(key, bytes, { size }), 'STORAGE_SIZE_MISMATCH')
        await assertShows(ground, key, undefined)
      }
    }),
  },
  {
    title: 'two puts of a key at once leave the value of one of them',
    run: replacing(async (ground) => {
      const [first, second] = [randomBytes(100_000), randomBytes(100_000)]
      const key = await ground.key('twice', first)
      const [a, b] = [gated(first), gated(second)]
      const both = Promise.all([ground.backend.put(key, a.body), ground.backend.put(key, b.body)])
      await ground.settles(Promise.all([a.reached, b.reached]), 'the puts began')
      b.open()
      a.open()
      await both
      const stat = await ground.backend.stat(key)
      assert.equal(stat?.size, 100_000)
      const found = await read(ground.backend, key)
      assert.ok(found.equals(first) || found.equals(second), 'the value is that of neither put')
    }),
  },
  {
    title: 'put with ifAbsent takes a new key and refuses one that has a value',
    run: writing(async (ground) => {
      const bytes = randomBytes(1000)
      const key = await ground.key('if-absent', bytes)
      const putting = ground.backend.put(key, bytes, { ifAbsent: true })
      if (!ground.backend.supports.conditionalPut) {
        await assertCode(putting, 'STORAGE_NOT_SUPPORTED')
        return
      }
      await putting
      await assertCode(ground.backend.put(key, bytes, { ifAbsent: true }), 'STORAGE_EXISTS')
      await assertShows(ground, key, bytes)
    }),
  },
  {
    title: 'of two puts with ifAbsent at once exactly one succeeds',
    run: replacing(async (ground) => {
      const bytes = [randomBytes(10_000), randomBytes(10_000)]
      const key = await ground.key('race', bytes[0]!)
      if (!ground.backend.supports.conditionalPut) {
        await assertCode(ground.backend.put(key, bytes[0]!, { ifAbsent: true }), 'STORAGE_NOT_SUPPORTED')
        return
      }
      const bodies = bytes.map(gated)
      const puts = bodies.map(({ body }) => ground.backend.put(key, body, { ifAbsent: true }))
      const outcomes = Promise.allSettled(puts)
      await ground.settles(Promise.all(bodies.map(({ reached }) => reached)), 'the puts began')
      for (const { open } of bodies) open()
      const [first, second] = await outcomes
      const winner = first!.status === 'fulfilled' ? 0 : 1
      const loser = winner === 0 ? second! : first!
      assert.equal(loser.status, 'rejected', 'both puts succeeded')
      await assertCode(puts[1 - winner]!, 'STORAGE_EXISTS')
      await assertShows(ground, key, bytes[winner])
    }),
  },
  {
    title: 'delete removes an object, and an absent one is no error',
    run: async (ground) => {
      const { key } = await ground.object(1000)
      if (!ground.backend.supports.delete) {
        await assertCode(ground.backend.delete(key), 'STORAGE_NOT_SUPPORTED')
        return
      }
      await ground.backend.delete(key)
      await assertShows(ground, key, undefined)
      await ground.backend.delete(key)
      await ground.backend.delete(await ground.absentKey())
    },
  },
]

/** Yields the bytes through one buffer that it fills again for each chunk. */
async function* reusing(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(1000)
  for (let offset = 0; offset < bytes.byteLength; offset += buffer.byteLength) {
    const part = bytes.subarray(offset, offset + buffer.byteLength)
    buffer.set(part)
    yield buffer.subarray(0, part.byteLength)
  }
}
