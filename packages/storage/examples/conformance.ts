import { test } from 'node:test'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { storageConformance } from '@ipfs-kit/storage/conformance'

// `test` of vitest does as well.
storageConformance(
  { name: 'memory', open: async () => createMemoryBackend({ maxBytes: 64 * 1024 * 1024 }) },
  { test },
)
