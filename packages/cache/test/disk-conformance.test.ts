import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { openDiskCache } from '@ipfs-kit/cache/disk'
import { simDisk } from '@ipfs-kit/disk'
import { storageConformance } from '@ipfs-kit/storage/conformance'
import { afterAll, test } from 'vitest'

const folders: string[] = []
afterAll(async () => {
  for (const path of folders) await rm(path, { recursive: true })
})

storageConformance(
  {
    name: 'a real folder',
    manyKeys: 1000,
    open: async () => {
      const path = await mkdtemp(join(tmpdir(), 'disk-cache-'))
      folders.push(path)
      return openDiskCache({ path, maxBytes: 64 * 1024 * 1024 })
    },
  },
  { test },
)

let seed = 0
storageConformance(
  {
    name: 'a simulated disk, small parts',
    manyKeys: 1000,
    open: () =>
      openDiskCache({ path: '/cache', disk: simDisk({ seed: (seed += 1) }), maxBytes: 8 * 1024 * 1024 }),
  },
  { test },
)

storageConformance(
  {
    name: 'a store that others use too',
    manyKeys: 1000,
    open: async () => {
      const blocks = await openBlocks({
        path: '/store',
        disk: simDisk({ seed: 1 }),
        maxBytes: 64 * 1024 * 1024,
      })
      await blocks.unverified.put('a record of somebody else', Buffer.from('theirs'))
      return openDiskCache({ blocks, failureDomain: 'test' })
    },
  },
  { test },
)
