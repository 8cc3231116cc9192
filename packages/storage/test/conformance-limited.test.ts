import { createMemoryBackend } from '@ipfs-kit/storage'
import type { Supports } from '@ipfs-kit/storage'
import { storageConformance } from '@ipfs-kit/storage/conformance'
import { limited } from '@ipfs-kit/storage/testing'
import { describe, test } from 'vitest'
import { byDigest, digestOf } from './by-digest.ts'

const maxBytes = 64 * 1024 * 1024
const manyKeys = 100
const fixture = { key: 'fixture', bytes: new Uint8Array(100_000).map((_, index) => index % 251) }
const lacks: readonly Partial<Supports>[] = [
  { write: false, delete: false },
  { write: false },
  { delete: false },
  { list: false },
  { ranges: false },
  { conditionalPut: false },
  { conditionalReplace: false },
  { write: false, delete: false, list: false, ranges: false, conditionalPut: false },
  { delete: false, list: false, ranges: false, conditionalPut: false },
]

describe('the suite accepts a backend that declares what it lacks', () => {
  for (const lack of lacks) {
    const open = async () => {
      const memory = createMemoryBackend({ maxBytes })
      await memory.put(fixture.key, fixture.bytes)
      return limited(memory, lack)
    }
    storageConformance({ name: `no ${Object.keys(lack).join(', ')}`, open, fixture, manyKeys }, { test })
  }
})

describe('the suite accepts a backend whose keys come from the bytes', () => {
  const open = async () => byDigest(createMemoryBackend({ maxBytes }))
  storageConformance({ name: 'by digest', open, keyOf: digestOf, manyKeys }, { test })
})
