import { test } from 'node:test'
import { simDisk } from '@ipfs-kit/disk'
import { diskConformance } from '@ipfs-kit/disk/conformance'

// `test` of vitest does as well.
diskConformance(
  {
    name: 'sim',
    open: async () => {
      const disk = simDisk({ seed: 1 })
      await disk.makeFolder('/folder')
      return { disk, folder: '/folder', close: async () => undefined }
    },
  },
  { test },
)
