import { createMemoryTier, tiered, type TieredPolicy } from '@ipfs-kit/cache/tiered'
import { createMemoryBackend, type StorageBackend } from '@ipfs-kit/storage'
import { storageConformance } from '@ipfs-kit/storage/conformance'
import { limited } from '@ipfs-kit/storage/testing'
import { test } from 'vitest'
import { keyOf } from './tiered-cids.ts'

const maxBytes = 64 * 1024 * 1024
const fast = () => createMemoryBackend({ maxBytes, name: 'fast' })
const slow = () => createMemoryBackend({ maxBytes, name: 'slow' })
const memory = () => createMemoryTier({ maxBytes })
const fixture = { key: 'fixture', bytes: new Uint8Array(100_000).map((_, at) => at % 251) }

function suite(name: string, tiers: () => StorageBackend[], policy: TieredPolicy = {}): void {
  storageConformance({ name, keyOf, open: async () => tiered(tiers(), policy), manyKeys: 100 }, { test })
}

suite('two backends', () => [fast(), slow()])
suite('two backends that both have to take a put', () => [fast(), slow()], { minCopies: 2 })
suite('a memory tier before a backend', () => [memory(), slow()])
suite('one backend', () => [slow()])
suite('a memory tier alone', () => [memory()])
suite('keys that are CIDs', () => [memory(), fast(), slow()], { keys: 'cid' })
suite('bodies that are streamed', () => [fast(), slow()], { maxWholeBytes: 1 })
suite('bodies of CIDs that are streamed', () => [fast(), slow()], { keys: 'cid', maxWholeBytes: 1 })
suite('streamed out of tiers without ranges', () => [limited(fast(), { ranges: false }), slow()], {
  maxWholeBytes: 1,
})
suite('no list in the store', () => [memory(), limited(slow(), { list: false })])
suite('no delete in a tier', () => [fast(), limited(slow(), { delete: false })])
suite('ifAbsent in one of two', () => [limited(fast(), { conditionalPut: false }), slow()])
suite('nowhere ifAbsent', () => [limited(fast(), { conditionalPut: false })])
suite('hedged reads', () => [fast(), slow()], { tiers: { fast: { hedgeAfterMs: 1 } } })
suite('the first tier takes small values only', () => [fast(), slow()], {
  tiers: { fast: { maxValueBytes: 500 } },
})

storageConformance(
  {
    name: 'a store that cannot be written',
    fixture,
    open: async () => {
      const backend = slow()
      await backend.put(fixture.key, fixture.bytes)
      return tiered([memory(), limited(backend, { write: false, delete: false })])
    },
  },
  { test },
)

// Alone, as a backend of its own.
storageConformance({ name: 'the memory tier itself', open: async () => memory() }, { test })
