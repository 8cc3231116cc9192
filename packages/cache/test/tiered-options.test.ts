import { channel } from 'node:diagnostics_channel'
import { createMemoryTier, createTieredBlockstore, tiered } from '@ipfs-kit/cache/tiered'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { limited } from '@ipfs-kit/storage/testing'
import { expect, test } from 'vitest'
import { bytesOf, keyOf } from './tiered-cids.ts'
import { faultyMemory } from './tiered-doubles.ts'

const maxBytes = 1_000_000
const far = () => createMemoryBackend({ maxBytes, name: 'far' })

test('a policy that is unknown or wrong is refused', () => {
  const wrong: readonly (readonly [object, typeof TypeError | typeof RangeError])[] = [
    [{ timeoutMs: 1 }, TypeError],
    [{ tiers: { near: {} } }, TypeError],
    [{ tiers: { far: { timeout: 1 } } }, TypeError],
    [{ tiers: { far: { role: 'both' } } }, TypeError],
    [{ tiers: { far: { timeoutMs: 0 } } }, RangeError],
    [{ tiers: { far: { timeoutMs: Number.NaN } } }, RangeError],
    [{ tiers: { far: { usage: 1 } } }, TypeError],
    [{ tiers: { far: { entry: 1 } } }, TypeError],
    [{ tiers: { far: { hedgeAfterMs: -1 } } }, RangeError],
    [{ tiers: { far: { types: ['png'] } } }, TypeError],
    [{ tiers: { far: { maxCalls: 0 } } }, RangeError],
    [{ tiers: { far: { demoteBelow: Number.NaN } } }, RangeError],
    [{ minCopies: 0 }, RangeError],
    [{ minCopies: 2 }, RangeError],
    [{ promoteAfterHits: 0 }, RangeError],
    [{ heatHalfLifeMs: 0 }, RangeError],
    [{ maxKeys: 0 }, RangeError],
    [{ maxWholeBytes: 0.5 }, RangeError],
    [{ keys: 'both' }, TypeError],
    [{ name: '' }, TypeError],
    [{ typeOf: 'png' }, TypeError],
    [{ breaker: { failure: 1 } }, TypeError],
    [{ breaker: { openMs: 10, maxOpenMs: 5 } }, RangeError],
    [{ demoteEveryMs: 0 }, RangeError],
  ]
  for (const [policy, kind] of wrong)
    expect(() => tiered([far()], policy), JSON.stringify(policy)).toThrow(kind)
  expect(() => tiered([])).toThrow(TypeError)
  expect(() => tiered([far(), far()])).toThrow(/Two tiers have the name far/)
})

test('a memory tier belongs to one tiered store', () => {
  const memory = createMemoryTier({ maxBytes })
  tiered([memory])
  expect(() => tiered([memory])).toThrow(TypeError)
  expect(() => createMemoryTier({ maxBytes, ttlMs: 5 } as never)).toThrow(TypeError)
})

test('what it supports follows from its tiers', () => {
  const near = () => createMemoryBackend({ maxBytes, name: 'near' })
  const noWrite = { write: false, delete: false }
  expect(tiered([near(), far()]).supports).toEqual({
    ...{ write: true, delete: true, list: true, ranges: true, conditionalPut: true, keys: 'any' },
    conditionalReplace: false,
  })
  // The former value would be answered from the tier in front, or when the other one does not answer.
  expect(tiered([limited(near(), noWrite), far()]).supports).toMatchObject({ write: false, delete: false })
  expect(tiered([limited(near(), noWrite), far()], { keys: 'cid' }).supports).toMatchObject({
    write: true,
    keys: 'cid',
  })
  expect(tiered([near(), limited(far(), noWrite)]).supports).toMatchObject({ write: false, delete: false })
  expect(
    tiered([near(), limited(far(), { ...noWrite, keys: 'cid' })], { keys: 'any' }).supports,
  ).toMatchObject({ write: true, delete: false })
  expect(tiered([near(), limited(far(), noWrite)], { minCopies: 2 }).supports).toMatchObject({ write: false })
  expect(tiered([createMemoryTier({ maxBytes }), limited(far(), { list: false })]).supports.list).toBe(false)
  expect(tiered([near(), limited(far(), { keys: 'cid' })]).supports.keys).toBe('cid')
})

test('a blockstore takes a store of CIDs only', () => {
  expect(() => createTieredBlockstore(tiered([far()]))).toThrow(TypeError)
})

test('the channel tells what happens to tiers, without keys', async () => {
  const told: unknown[] = []
  const listen = (message: unknown): void => void told.push(message)
  channel('cache:tier').subscribe(listen)
  try {
    const liar = faultyMemory('liar', { liesAboutContent: true })
    const broken = faultyMemory('broken', { fails: true })
    await using store = tiered([liar, broken, far()], { name: 'here', breaker: { failures: 1 } })
    const bytes = bytesOf(1)
    await liar.good.put(keyOf(bytes), bytes)
    await store.getBytes(keyOf(bytes)).catch(() => {})
    expect(told).toEqual([
      { cache: 'here', tier: 'liar', event: 'lied' },
      { cache: 'here', tier: 'liar', event: 'opened' },
      { cache: 'here', tier: 'broken', event: 'failed' },
      { cache: 'here', tier: 'broken', event: 'opened' },
    ])
  } finally {
    channel('cache:tier').unsubscribe(listen)
  }
})
