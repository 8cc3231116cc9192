import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { random } from '@ipfs-kit/concurrency'
import { simDisk } from '@ipfs-kit/disk'
import { diskConformance } from '@ipfs-kit/disk/conformance'
import { test } from 'vitest'

diskConformance(
  {
    name: 'sim',
    open: async () => {
      const disk = simDisk({
        seed: Math.floor(random() * 2 ** 32),
        faults: { shortWrites: 0.5, slowReads: 0.5, latencyMs: 10 },
      })
      await disk.makeFolder('/folder')
      return { disk, folder: '/folder', close: async () => undefined }
    },
  },
  { test: forEachBackend(test, { seeds: 5 }) },
)
