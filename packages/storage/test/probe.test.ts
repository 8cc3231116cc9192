import { now, sim, withBackend } from '@ipfs-kit/concurrency'
import { createMemoryBackend, probeByRoundTrip, StorageError } from '@ipfs-kit/storage'
import { delegate, limited } from '@ipfs-kit/storage/testing'
import { expect, test } from 'vitest'
import { oneChunk } from './bodies.ts'
import { byDigest, digestOf } from './by-digest.ts'

const memory = () => createMemoryBackend({ maxBytes: 100_000 })
const failed = expect.objectContaining({ code: 'STORAGE_PROBE_FAILED', kind: 'integrity' })

test('tells what it did', async () => {
  expect((await memory().probe()).steps).toEqual(['write', 'read', 'list', 'delete'])
  expect((await limited(memory(), { list: false }).probe()).steps).toEqual(['write', 'read', 'delete'])
  expect((await limited(memory(), { write: false }).probe()).steps).toEqual(['read'])
})

test('finds a backend that gives back other bytes, and leaves nothing in it', async () => {
  const good = memory()
  const backend = delegate(good, {
    async get(key, options) {
      const found = await good.get(key, options)
      if (found === undefined) return undefined
      for await (const chunk of found.body) expect(chunk.byteLength).toBe(256)
      return { ...found, body: oneChunk(new Uint8Array(256)) }
    },
  })
  await expect(probeByRoundTrip(backend)).rejects.toEqual(failed)
  expect(good.stats()).toMatchObject({ entries: 0, bytes: 0 })
})

test('finds a backend that drops what it took', async () => {
  const good = memory()
  await expect(probeByRoundTrip(delegate(good, { get: async () => undefined }))).rejects.toEqual(failed)
  expect(good.stats()).toMatchObject({ entries: 0 })
})

test('finds a backend that does not list or does not delete', async () => {
  const good = memory()
  await expect(probeByRoundTrip(delegate(good, { list: async () => ({ entries: [] }) }))).rejects.toEqual(
    failed,
  )
  expect(good.stats()).toMatchObject({ entries: 0 })
  await expect(probeByRoundTrip(delegate(good, { delete: async () => {} }))).rejects.toEqual(failed)
})

test('passes on the error of the call that failed', async () => {
  const error = new StorageError('STORAGE_FULL', 'full')
  const put = async (): Promise<never> => {
    throw error
  }
  await expect(probeByRoundTrip(delegate(memory(), { put }))).rejects.toBe(error)
})

test('removes what a put that has failed has left', async () => {
  const good = memory()
  const error = new Error('one of two did not take it')
  const backend = delegate(good, {
    async put(key, body, options) {
      await good.put(key, body, options)
      throw error
    },
  })
  await expect(probeByRoundTrip(backend)).rejects.toBe(error)
  expect(good.stats()).toMatchObject({ entries: 0, bytes: 0 })
})

test('takes the key of its bytes where keys are not free', async () => {
  const keys: string[] = []
  const store = byDigest(memory())
  const backend = delegate(store, {
    put: (key, body, options) => {
      keys.push(key)
      return store.put(key, body, options)
    },
  })
  const { steps } = await probeByRoundTrip(backend, { keyOf: async (bytes) => digestOf(bytes) })
  expect(steps).toEqual(['write', 'read', 'list', 'delete'])
  const readOnly = limited(store, { write: false, delete: false })
  expect((await probeByRoundTrip(readOnly, { keyOf: digestOf })).steps).toEqual(['read'])
  await probeByRoundTrip(backend, { keyOf: digestOf })
  expect(new Set(keys).size).toBe(2)
})

test('does nothing when it is cancelled before it begins', async () => {
  const reason = new Error('enough')
  const calls: string[] = []
  const called = (name: string) => async (): Promise<never> => {
    calls.push(name)
    throw new Error(name)
  }
  const backend = delegate(memory(), { put: called('put'), delete: called('delete'), stat: called('stat') })
  await expect(probeByRoundTrip(backend, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(calls).toEqual([])
})

test('waits five seconds at most for a backend that hangs while its object is removed', async () => {
  const hanging = delegate(memory(), { get: async () => undefined, delete: () => new Promise(() => {}) })
  const probing = async () => {
    const begun = now()
    await expect(probeByRoundTrip(hanging)).rejects.toEqual(failed)
    return now() - begun
  }
  expect(await withBackend(probing, { backend: sim(1) })).toBe(5000)
})

test('removes its object when it is cancelled after the write', async () => {
  const good = memory()
  const controller = new AbortController()
  const reason = new Error('enough')
  const backend = delegate(good, {
    async put(key, body, options) {
      const stat = await good.put(key, body, options)
      controller.abort(reason)
      return stat
    },
  })
  await expect(probeByRoundTrip(backend, { signal: controller.signal })).rejects.toBe(reason)
  expect(good.stats()).toMatchObject({ entries: 0, bytes: 0 })
})
