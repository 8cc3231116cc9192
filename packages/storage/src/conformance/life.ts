/** Cases about probing and closing. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { gated } from './bodies.ts'
import { assertCode, listAll, read } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

export const lifeCases: readonly ConformanceCase[] = [
  {
    title: 'a probe does what the backend supports and leaves nothing behind',
    run: async ({ backend, object }) => {
      const { supports } = backend
      await object(1000)
      const before = supports.list ? await listAll(backend, {}) : []
      const { steps, durationMs } = await backend.probe()
      assert.ok(steps.includes('read'), 'the probe reads')
      assert.equal(steps.includes('write'), supports.write, 'the probe writes if that is supported')
      if (!supports.write)
        assert.equal(steps.includes('delete'), false, 'the probe deletes only what it wrote')
      else assert.equal(steps.includes('delete'), supports.delete, 'the probe deletes if that is supported')
      assert.ok(durationMs >= 0)
      if (supports.list && supports.delete) assert.deepEqual(await listAll(backend, {}), before)
    },
  },
  {
    title: 'after close every call is refused',
    run: async ({ backend, object, absentKey }) => {
      const { key, bytes } = await object(1000)
      const absent = await absentKey()
      await backend.close()
      const { supports } = backend
      await assertCode(backend.get(key), 'STORAGE_CLOSED')
      await assertCode(backend.stat(key), 'STORAGE_CLOSED')
      await assertCode(backend.probe(), 'STORAGE_CLOSED')
      if (supports.write) await assertCode(backend.put(absent, bytes), 'STORAGE_CLOSED')
      if (supports.delete) await assertCode(backend.delete(key), 'STORAGE_CLOSED')
      if (supports.list) await assertCode(backend.list(), 'STORAGE_CLOSED')
    },
  },
  {
    title: 'close can be called again, at once and later, and by await using',
    run: async ({ backend, object }) => {
      const { key } = await object(1000)
      await Promise.all([backend.close(), backend.close()])
      await backend.close()
      await backend[Symbol.asyncDispose]()
      await assertCode(backend.stat(key), 'STORAGE_CLOSED')
    },
  },
  {
    title: 'close ends a put that is running, and does not wait for its body',
    run: async (ground) => {
      const { backend } = ground
      const bytes = randomBytes(10_000)
      const key = await ground.key('closing', bytes)
      if (!backend.supports.write) {
        await assertCode(backend.put(key, bytes), 'STORAGE_NOT_SUPPORTED')
        return
      }
      const half = gated(bytes)
      const putting = backend.put(key, half.body)
      const outcome = Promise.allSettled([putting])
      try {
        await ground.settles(half.reached, 'the put began')
        await ground.settles(backend.close(), 'close was called')
        await ground.settles(outcome, 'close was called')
        await assertCode(putting, 'STORAGE_CLOSED')
      } finally {
        half.open()
        await outcome
      }
    },
  },
  {
    title: 'close ends a body that is being read',
    run: async (ground) => {
      const { backend } = ground
      const { key, bytes } = await ground.object(1_000_000)
      const found = await backend.get(key)
      assert.ok(found)
      const iterator = found.body[Symbol.asyncIterator]()
      const first = await iterator.next()
      assert.ok(first.done !== true)
      if (first.value.byteLength === bytes.byteLength) {
        assert.equal((await read(backend, key)).byteLength, bytes.byteLength)
        return
      }
      await ground.settles(backend.close(), 'close was called')
      // Chunks that were on their way may still come, but never an end that looks like the whole.
      const rest = async (): Promise<void> => {
        for (;;) if ((await iterator.next()).done === true) return
      }
      await assertCode(ground.settles(rest(), 'close was called'), 'STORAGE_CLOSED')
    },
  },
]
