import { createMemoryBackend } from '@ipfs-kit/storage'
import { storageConformance } from '@ipfs-kit/storage/conformance'
import { test } from 'vitest'

storageConformance(
  { name: 'memory', open: async () => createMemoryBackend({ maxBytes: 64 * 1024 * 1024 }) },
  { test },
)
