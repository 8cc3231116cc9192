/** Disks that tell files apart in a wrong way. */
import type { Breakage } from './broken.ts'

export const versions: readonly Breakage[] = [
  {
    does: 'takes the size of a file for its version',
    noticedBy: 'an open file tells what its path does, until another one is there',
    disk: (good) => ({
      async stat(path, options) {
        const stat = await good.stat(path, options)
        return stat && { ...stat, version: `${stat.size}` }
      },
    }),
    file: (good) => ({
      async stat() {
        const stat = await good.stat()
        return { ...stat, version: `${stat.size}` }
      },
    }),
  },
  {
    does: 'sets no times',
    noticedBy: 'another size, and another time, are another version',
    file: () => ({ setModified: async () => {} }),
  },
  {
    does: 'sets what is no time',
    noticedBy: 'what is no time, and no way to look at links, is refused',
    file: (good) => ({ setModified: (ms) => good.setModified(ms > 0 && ms < 1e15 ? ms : 0) }),
  },
]
