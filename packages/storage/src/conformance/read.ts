/** Cases about what a get gives. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { assertCode, assertSame, assertShows, collect, put, read, sizeOf } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

export const readCases: readonly ConformanceCase[] = [
  {
    title: 'what is not there is undefined',
    run: async ({ backend, absentKey }) => {
      const key = await absentKey()
      assert.equal(await backend.get(key), undefined)
      assert.equal(await backend.stat(key), undefined)
      if (backend.supports.ranges) assert.equal(await backend.get(key, { offset: 5, length: 5 }), undefined)
    },
  },
  {
    title: 'get gives the whole object and says what it gives',
    run: async ({ backend, object }) => {
      const { key, bytes } = await object(100_000)
      const found = await backend.get(key)
      assert.ok(found)
      const { body, offset, length } = found
      const size = bytes.byteLength
      assert.deepEqual({ ...sizeOf(found), offset, length }, { key, size, offset: 0, length: size })
      assertSame(await collect(body), bytes)
      const stat = await backend.stat(key)
      assert.ok(stat)
      assert.deepEqual(sizeOf(stat), { key, size })
    },
  },
  {
    title: 'get gives ranges to the byte, and cuts off what is past the end',
    run: async ({ backend, object }) => {
      const { key, bytes } = await object(70_000)
      const size = bytes.byteLength
      if (!backend.supports.ranges) {
        for (const options of [{ offset: 1 }, { length: 1 }, { offset: 1, length: 1 }]) {
          await assertCode(backend.get(key, options), 'STORAGE_NOT_SUPPORTED')
        }
        return
      }
      const ranges: readonly { offset?: number; length?: number }[] = [
        { offset: 0, length: 1 },
        { offset: 1, length: 1 },
        { offset: 1 },
        { length: 10 },
        { length: 0 },
        { offset: 5, length: 0 },
        { offset: 500, length: 499 },
        { offset: size - 1 },
        { offset: size - 1, length: 1 },
        { offset: size - 10, length: 11 },
        { offset: size - 10, length: Number.MAX_SAFE_INTEGER },
        { offset: 0, length: size },
        { offset: 65_530 % size, length: 20 },
      ]
      for (const options of ranges) {
        const { offset = 0, length = size } = options
        const expected = bytes.subarray(offset, Math.min(size, offset + length))
        const found = await backend.get(key, options)
        assert.ok(found)
        const place = { offset: found.offset, length: found.length }
        assert.deepEqual({ ...sizeOf(found), ...place }, { key, size, offset, length: expected.byteLength })
        assertSame(await collect(found.body), expected)
      }
    },
  },
  {
    title: 'a range that begins at or after the end is refused',
    run: async ({ backend, object, key }) => {
      if (!backend.supports.ranges) {
        await assertCode(backend.get((await object(1000)).key, { offset: 2000 }), 'STORAGE_NOT_SUPPORTED')
        return
      }
      const { key: full, bytes } = await object(1000)
      for (const offset of [bytes.byteLength, bytes.byteLength + 1, Number.MAX_SAFE_INTEGER]) {
        await assertCode(backend.get(full, { offset }), 'STORAGE_RANGE')
        await assertCode(backend.get(full, { offset, length: 0 }), 'STORAGE_RANGE')
      }
      if (!backend.supports.write) return
      const empty = await key('empty', new Uint8Array())
      await backend.put(empty, new Uint8Array())
      assert.equal((await read(backend, empty, { offset: 0, length: 5 })).byteLength, 0)
      await assertCode(backend.get(empty, { offset: 1 }), 'STORAGE_RANGE')
    },
  },
  {
    title: 'numbers that are no positions are refused',
    run: async ({ backend, object }) => {
      const { key } = await object(1000)
      if (!backend.supports.ranges) {
        await assertCode(backend.get(key, { offset: 1 }), 'STORAGE_NOT_SUPPORTED')
        return
      }
      for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await assert.rejects(backend.get(key, { offset: value }), RangeError, `offset ${value}`)
        await assert.rejects(backend.get(key, { length: value }), RangeError, `length ${value}`)
      }
    },
  },
  {
    title: 'chunks belong to the reader: writing into them does not change the object',
    run: async ({ backend, object }) => {
      const { key, bytes } = await object(1000)
      const found = await backend.get(key)
      assert.ok(found)
      const before = Buffer.from(bytes)
      for await (const chunk of found.body) chunk.fill(0)
      assertSame(await read(backend, key), before)
    },
  },
  {
    title: 'a body that is left early does no harm',
    run: async (ground) => {
      const { backend } = ground
      const { key, bytes } = await ground.object(200_000)
      const found = await backend.get(key)
      assert.ok(found)
      for await (const chunk of found.body) {
        assert.ok(chunk.byteLength > 0)
        break
      }
      const unread = await backend.get(key)
      await unread?.body[Symbol.asyncIterator]().return?.()
      assertSame(await read(backend, key), bytes)
    },
  },
  {
    title: 'a body is of one version, also when its object is replaced or deleted meanwhile',
    run: async (ground) => {
      const { backend } = ground
      const { key, bytes } = await ground.object(300_000)
      if (!backend.supports.write) {
        await assertCode(backend.put(key, bytes), 'STORAGE_NOT_SUPPORTED')
        return
      }
      const found = await backend.get(key)
      const unread = await backend.get(key)
      assert.ok(found && unread)
      const chunks: Uint8Array[] = []
      const change = async (): Promise<void> => {
        if (backend.supports.keys === 'any') await backend.put(key, randomBytes(300_000))
        if (backend.supports.delete) await backend.delete(key)
      }
      for await (const chunk of found.body) {
        if (chunks.length === 0) await change()
        chunks.push(chunk)
      }
      assertSame(Buffer.concat(chunks), bytes)
      assertSame(await collect(unread.body), bytes)
      if (backend.supports.delete) await assertShows(ground, key, undefined)
    },
  },
  {
    title: 'many readers of an object each get all of it',
    run: async (ground) => {
      const { key, bytes } = await ground.object(100_000)
      const all = await Promise.all(Array.from({ length: 20 }, () => read(ground.backend, key)))
      for (const each of all) assertSame(each, bytes)
      if (ground.backend.supports.write) await put(ground, 'after', randomBytes(10))
    },
  },
]
