/** Cases about large bodies and long listings. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chunked } from './bodies.ts'
import { assertCode, assertSame, inTurns, listAll, put, read } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

export const largeCases: readonly ConformanceCase[] = [
  {
    title: 'a large body comes back as it was, also in ranges over its parts',
    run: async (ground) => {
      const { backend, largeBytes } = ground
      const bytes = randomBytes(largeBytes)
      const key = await ground.key('large', bytes)
      const body = chunked(bytes, 100_003)
      if (!backend.supports.write) {
        await assertCode(backend.put(key, body), 'STORAGE_NOT_SUPPORTED')
        return
      }
      assert.equal((await backend.put(key, body)).size, largeBytes)
      assertSame(await read(backend, key), bytes)
      if (!backend.supports.ranges) return
      for (const share of [1 / 3, 1 / 2, 0.999]) {
        const offset = Math.floor(largeBytes * share)
        const length = Math.ceil(largeBytes / 3)
        assertSame(await read(backend, key, { offset, length }), bytes.subarray(offset, offset + length))
      }
    },
  },
  {
    title: 'a long list has every key once and in order',
    run: async (ground) => {
      const { backend, manyKeys, prefix } = ground
      if (!backend.supports.list) {
        await assertCode(backend.list(), 'STORAGE_NOT_SUPPORTED')
        return
      }
      if (!backend.supports.write) {
        const { key } = await ground.object(1000)
        assert.ok((await listAll(backend, {})).some((entry) => entry.key === key))
        return
      }
      const keys: string[] = []
      await inTurns(
        Array.from({ length: manyKeys }, (_, at) => at),
        // In folders, beside them, and in no order.
        async (at) =>
          keys.push(
            await put(ground, `${(at * 7919) % 97}${at % 3 === 0 ? '/' : '-'}${at}`, Buffer.from(`${at}`)),
          ),
      )
      const limit = Math.min(1000, Math.ceil(manyKeys / 10))
      const ours = new Set(keys)
      const listed = await listAll(backend, {
        limit,
        ...(backend.supports.keys === 'any' ? { prefix } : {}),
      })
      assert.deepEqual(
        listed.map(({ key }) => key).filter((key) => ours.has(key)),
        keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      )
    },
  },
]
