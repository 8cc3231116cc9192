import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@ipfs-kit/disk'
import { diskConformance } from '@ipfs-kit/disk/conformance'
import { test } from 'vitest'

diskConformance(
  {
    name: 'node',
    open: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-disk-'))
      return { disk: nodeDisk(), folder, close: () => rm(folder, { recursive: true }) }
    },
  },
  { test },
)
