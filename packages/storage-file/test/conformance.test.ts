import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { random } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { storageConformance } from '@ipfs-kit/storage/conformance'
import { openFileBackend } from '@ipfs-kit/storage-file'
import { afterAll, test } from 'vitest'

const folders: string[] = []
afterAll(async () => {
  for (const path of folders) await rm(path, { recursive: true })
})

for (const durability of ['synced', 'written'] as const) {
  storageConformance(
    {
      name: `a real folder, ${durability}`,
      manyKeys: 300,
      open: async () => {
        const path = await mkdtemp(join(tmpdir(), 'storage-file-'))
        folders.push(path)
        return openFileBackend({ path, durability })
      },
    },
    { test },
  )
}

storageConformance(
  {
    name: 'a simulated disk',
    manyKeys: 100,
    open: async () => {
      const disk = simDisk({ seed: Math.floor(random() * 2 ** 32), faults: { latencyMs: 2 } })
      return openFileBackend({ path: '/folder', disk })
    },
  },
  { test: forEachBackend(test, { seeds: 3 }) },
)
