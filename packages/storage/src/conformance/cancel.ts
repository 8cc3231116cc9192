/** Cases about signals. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chunked, gated } from './bodies.ts'
import { assertCode, assertRejectsWith, assertShows, put, read } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

export const cancelCases: readonly ConformanceCase[] = [
  {
    title: 'a call with an aborted signal rejects with its reason and does nothing',
    run: async (ground) => {
      const { backend } = ground
      const { supports } = backend
      const reason = new Error('given up before')
      const signal = AbortSignal.abort(reason)
      const { key, bytes } = await ground.object(1000)
      await assertRejectsWith(backend.get(key, { signal }), reason)
      await assertRejectsWith(backend.stat(key, { signal }), reason)
      await assertRejectsWith(backend.probe({ signal }), reason)
      if (supports.list) await assertRejectsWith(backend.list({ signal }), reason)
      if (supports.delete) await assertRejectsWith(backend.delete(key, { signal }), reason)
      await assertShows(ground, key, bytes)
      if (!supports.write) return
      const absent = await ground.key('aborted', bytes)
      if (supports.keys === 'any') {
        await assertRejectsWith(backend.put(absent, bytes, { signal }), reason)
        await assertShows(ground, absent, undefined)
      } else {
        await assertRejectsWith(backend.put(key, bytes, { signal }), reason)
      }
    },
  },
  {
    title: 'a put that is aborted while its body arrives rejects with the reason and leaves no object',
    run: async (ground) => {
      const { backend } = ground
      const bytes = randomBytes(100_000)
      const key = await ground.key('aborted-between', bytes)
      if (!backend.supports.write) {
        await assertCode(backend.put(key, bytes), 'STORAGE_NOT_SUPPORTED')
        return
      }
      const controller = new AbortController()
      const reason = new Error('given up between chunks')
      let sent = 0
      const body = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of chunked(bytes, 10_000)) {
          if (sent++ === 5) controller.abort(reason)
          yield chunk
        }
      }
      await assertRejectsWith(backend.put(key, body(), { signal: controller.signal }), reason)
      await assertShows(ground, key, undefined)
    },
  },
  {
    title: 'an abort ends a put at once whose body does not answer, and tells the body to stop',
    run: async (ground) => {
      const { backend } = ground
      const bytes = randomBytes(10_000)
      const key = await ground.key('stuck', bytes)
      if (!backend.supports.write) {
        await assertCode(backend.put(key, bytes), 'STORAGE_NOT_SUPPORTED')
        return
      }
      const controller = new AbortController()
      const reason = new Error('given up while waiting')
      const half = gated(bytes)
      const putting = backend.put(key, half.body, { signal: controller.signal })
      try {
        await ground.settles(half.reached, 'the put began')
        controller.abort(reason)
        await assertRejectsWith(ground.settles(putting, 'the abort'), reason)
        assert.equal(half.stopped, true, 'the body was told to stop')
      } finally {
        half.open()
        // waits: how it went was asserted above; here it only has to be over.
        await Promise.allSettled([putting])
      }
      await assertShows(ground, key, undefined)
    },
  },
  {
    title: 'a put that is aborted leaves the former value',
    run: async (ground) => {
      const { backend } = ground
      if (!backend.supports.write || backend.supports.keys === 'cid') {
        await assertCode(
          backend.put('not-a-cid', randomBytes(3)),
          backend.supports.write ? 'STORAGE_INVALID_KEY' : 'STORAGE_NOT_SUPPORTED',
        )
        return
      }
      const former = randomBytes(1000)
      const key = await put(ground, 'aborted-over', former)
      const controller = new AbortController()
      const reason = new Error('given up while replacing')
      const half = gated(randomBytes(10_000))
      const putting = backend.put(key, half.body, { signal: controller.signal })
      try {
        await ground.settles(half.reached, 'the put began')
        controller.abort(reason)
        await assertRejectsWith(ground.settles(putting, 'the abort'), reason)
      } finally {
        half.open()
        // waits: how it went was asserted above; here it only has to be over.
        await Promise.allSettled([putting])
      }
      await assertShows(ground, key, former)
    },
  },
  {
    title: 'an abort ends a body that is being read with the reason',
    run: async (ground) => {
      const { backend } = ground
      const { key, bytes } = await ground.object(1_000_000)
      const controller = new AbortController()
      const reason = new Error('given up while reading')
      const found = await backend.get(key, { signal: controller.signal })
      assert.ok(found)
      let taken = 0
      const reading = async (): Promise<void> => {
        for await (const chunk of found.body) {
          taken += chunk.byteLength
          // A small object may come in one chunk, after which there is nothing left to cancel.
          if (taken < bytes.byteLength) controller.abort(reason)
        }
        if (!controller.signal.aborted) throw reason
      }
      await assertRejectsWith(ground.settles(reading(), 'the abort'), reason)
      assert.equal((await read(backend, key)).byteLength, bytes.byteLength)
    },
  },
  {
    title:
      'a put that is aborted before or after any of its pieces leaves the former value or the whole new one',
    run: async (ground) => {
      const { backend } = ground
      if (!backend.supports.write) {
        await assertCode(backend.put(await ground.absentKey(), randomBytes(3)), 'STORAGE_NOT_SUPPORTED')
        return
      }
      for (let piece = 0; piece <= 4; piece += 1) {
        const bytes = randomBytes(40_000)
        const key = await ground.key(`pieces-${piece}`, bytes)
        const controller = new AbortController()
        const reason = new Error(`given up at piece ${piece}`)
        let sent = 0
        const body = async function* (): AsyncGenerator<Uint8Array> {
          for await (const chunk of chunked(bytes, 10_000)) {
            if (sent++ === piece) controller.abort(reason)
            yield chunk
          }
          if (piece === 4) controller.abort(reason)
        }
        await assertRejectsWith(backend.put(key, body(), { signal: controller.signal }), reason)
        await assertShows(ground, key, undefined)
      }
    },
  },
]
