import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { expect, test } from 'vitest'
import { bytesOf, cidOf, keyOf } from './tiered-cids.ts'
import { faultyMemory } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const maxBytes = 16 * 1024 * 1024
const bytes = bytesOf(1)
const key = keyOf(bytes)

async function stored() {
  const below = faultyMemory('below')
  await below.good.put(key, bytes)
  return { below, store: tiered([createMemoryTier({ maxBytes }), below], { keys: 'cid' }) }
}

onBoth('what went from below by another way is not answered from memory once the store is told', async () => {
  const { below, store } = await stored()
  await using _ = store
  for (const told of [key, cidOf(bytes), undefined]) {
    await below.good.put(key, bytes)
    await store.getBytes(key)
    expect(store.inMemory(key)).toBe(true)
    await below.good.delete(key)
    store.forget(told)
    expect(await store.getBytes(key)).toBe(undefined)
    expect((await store.explain(key)).state).toBe('absent')
  }
})

onBoth('reads and moves that run while the store is told bring nothing back', async () => {
  const { below, store } = await stored()
  await using _ = store
  for (const told of [key, undefined]) {
    for (const run of [() => store.getBytes(key), () => store.move(key, 'memory')]) {
      await below.good.put(key, bytes)
      below.fault = { answersAfterMs: 20 }
      await taskGroup(async (group) => {
        group.spawn(async () => void (await run()))
        await sleep(10)
        await below.good.delete(key)
        store.forget(told)
        expect(await store.getBytes(key)).toBe(undefined)
      })
      expect(await store.getBytes(key)).toBe(undefined)
      expect(store.inMemory(key)).toBe(false)
    }
  }
})

onBoth('a text that is no key is refused, and a CID that no tier can have is forgotten', async () => {
  const { store } = await stored()
  await using _ = store
  for (const hash of [0, 0x11, 0x1e]) store.forget(CID.createV1(0x55, create(hash, bytesOf(2, 300))))
  for (const text of ['no CID', ''])
    expect(() => store.forget(text)).toThrow(expect.objectContaining({ code: 'STORAGE_INVALID_KEY' }))
})
