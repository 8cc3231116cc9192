import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBlocksBackend, openBlocks } from '@ipfs-kit/blocks'
import { type Disk, nodeDisk, simDisk } from '@ipfs-kit/disk'
import type { StorageBackend } from '@ipfs-kit/storage'
import { storageConformance } from '@ipfs-kit/storage/conformance'
import { delegate } from '@ipfs-kit/storage/testing'
import { afterAll, test } from 'vitest'
import { cidOf } from './blocks-of.ts'

const folders: string[] = []
afterAll(async () => {
  for (const path of folders) await rm(path, { recursive: true })
})

/** A backend on a store of its own, which is closed with it. */
async function openBackend(
  disk: Disk,
  path: string,
  durability: 'synced' | 'cached',
): Promise<StorageBackend> {
  const blocks = await openBlocks({ path, disk, maxBytes: 64 * 1024 * 1024 })
  const backend = createBlocksBackend(blocks, { failureDomain: `test:${path}`, durability })
  const close = async (): Promise<void> => {
    await backend.close()
    await blocks.close()
  }
  return delegate(backend, { close, [Symbol.asyncDispose]: close })
}

for (const durability of ['synced', 'cached'] as const) {
  storageConformance(
    {
      name: `a real folder, ${durability}`,
      keyOf: (bytes) => cidOf(bytes).toString(),
      open: async () => {
        const path = await mkdtemp(join(tmpdir(), 'blocks-'))
        folders.push(path)
        return openBackend(nodeDisk(), path, durability)
      },
    },
    { test },
  )
}

let seed = 0
storageConformance(
  {
    name: 'a simulated disk',
    keyOf: (bytes) => cidOf(bytes).toString(),
    open: () => openBackend(simDisk({ seed: (seed += 1) }), '/store', 'synced'),
  },
  { test },
)
