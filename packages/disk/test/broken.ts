/** Disks that are broken on purpose, each in one way, with the case of the suite that has to notice. */
import { DiskError } from '@ipfs-kit/disk'
import type { Disk, DiskFile } from '@ipfs-kit/disk'
import { appending, files } from './broken-files.ts'
import { versions } from './broken-versions.ts'

/** A way of being broken. */
export interface Breakage {
  /** What it does wrong. */
  readonly does: string
  /** The title of a case that fails. */
  readonly noticedBy: string
  readonly disk?: (good: Disk) => Partial<Disk>
  readonly file?: (good: DiskFile) => Partial<DiskFile>
}

/** A disk that is broken in one way. */
export function broken(good: Disk, { disk, file }: Breakage): Disk {
  const opening: Disk = { ...good, ...disk?.(good) }
  return {
    ...opening,
    async open(path, mode) {
      const opened = await opening.open(path, mode)
      return { ...opened, ...file?.(opened) }
    },
  }
}

const naming: readonly Breakage[] = [
  {
    does: 'renames to no name that is there',
    noticedBy: 'rename moves a file and replaces what is there',
    disk: (good) => ({
      async rename(from, to) {
        if ((await good.stat(to)) !== undefined) throw new DiskError('DISK_EXISTS', to)
        await good.rename(from, to)
      },
    }),
  },
  {
    does: 'renames no folders',
    noticedBy: 'a folder is renamed with what is in it',
    disk: (good) => ({
      async rename(from, to) {
        if ((await good.stat(from))?.kind === 'folder') throw new DiskError('DISK_DENIED', from)
        await good.rename(from, to)
      },
    }),
  },
  {
    does: 'empties a file when it is removed',
    noticedBy: 'an open file keeps its bytes when it is renamed, replaced or removed',
    disk: (good) => ({
      async unlink(path) {
        if ((await good.stat(path))?.kind !== 'file') return good.unlink(path)
        const file = await good.open(path, 'write')
        await file.truncate(0)
        await file.close()
        return good.unlink(path)
      },
    }),
  },
  {
    does: 'says that it removed what was not there',
    noticedBy: 'unlink says whether there was a file, and removes no folder',
    disk: (good) => ({ unlink: async (path) => (await good.unlink(path)) || true }),
  },
  {
    does: 'throws where nothing is',
    noticedBy: 'stat tells files from folders, and gives undefined where nothing is',
    disk: (good) => ({
      async stat(path) {
        const found = await good.stat(path)
        if (found === undefined) throw new DiskError('DISK_NOT_FOUND', path)
        return found
      },
    }),
  },
  {
    does: 'normalises names',
    noticedBy: 'names are taken as they stand, byte for byte',
    disk: (good) => ({ open: (path, mode) => good.open(path.normalize('NFC'), mode) }),
  },
  {
    does: 'does not go up at dots',
    noticedBy: 'dots and doubled slashes in a path lead where they do in a shell',
    disk: (good) => ({ open: (path, mode) => good.open(path.replaceAll('..', 'dots'), mode) }),
  },
  {
    does: 'cuts paths at a NUL',
    noticedBy: 'a path that cannot be is refused by every call',
    disk: (good) => ({ stat: (path) => good.stat(path?.split?.('\0')[0] ?? path) }),
  },
]

const foldering: readonly Breakage[] = [
  {
    does: 'throws when a folder is there',
    noticedBy: 'makeFolder makes those above too, again and side by side, and not over a file',
    disk: (good) => ({
      async makeFolder(path) {
        if ((await good.stat(path)) !== undefined) throw new DiskError('DISK_EXISTS', path)
        await good.makeFolder(path)
      },
    }),
  },
  {
    does: 'throws when there is no folder to remove',
    noticedBy: 'removeFolder removes empty folders only, and says whether there was one',
    disk: (good) => ({
      async removeFolder(path) {
        if (!(await good.removeFolder(path))) throw new DiskError('DISK_NOT_FOUND', path)
        return true
      },
    }),
  },
  {
    does: 'lists files for folders',
    noticedBy: 'list gives each name of a folder once, with its kind, and nothing from below',
    disk: (good) => ({
      list: async (path) => (await good.list(path)).map(({ name }) => ({ name, kind: 'file' })),
    }),
  },
  {
    does: 'syncs folders that are not there',
    noticedBy: 'in what is not there nothing can be made, synced or measured',
    disk: () => ({ syncFolder: async () => undefined }),
  },
  {
    does: 'syncs a folder once only',
    noticedBy: 'folders can be synced, empty or not, again and again',
    disk: (good) => {
      const synced = new Set<string>()
      return {
        async syncFolder(path) {
          if (synced.has(path)) throw new DiskError('DISK_FAILED', path)
          synced.add(path)
          await good.syncFolder(path)
        },
      }
    },
  },
  {
    does: 'has more room than there is',
    noticedBy: 'free space is a number of bytes below that of the volume',
    disk: (good) => ({
      async freeSpace(path) {
        const { totalBytes, freeInodes } = await good.freeSpace(path)
        return { freeBytes: totalBytes + 1, totalBytes, freeInodes }
      },
    }),
  },
]

const living: readonly Breakage[] = [
  {
    does: 'tells the size of a closed file',
    noticedBy: 'after close every call of a file is refused',
    file: (good) => ({
      async size() {
        try {
          return await good.size()
        } catch {
          return 0
        }
      },
    }),
  },
  {
    does: 'closes a file once',
    noticedBy: 'close can be called again, at once and later',
    file: (good) => {
      let closed = false
      return {
        async close() {
          if (closed) throw new DiskError('DISK_CLOSED', good.path)
          closed = true
          await good.close()
        },
      }
    },
  },
  {
    does: 'says that it wrote what it did not after a close',
    noticedBy: 'close waits for the calls that run',
    file: (good) => {
      let closing = false
      return {
        async write(buffers, position) {
          await good.size()
          if (!closing) await good.write(buffers, position)
        },
        async close() {
          closing = true
          await good.close()
        },
      }
    },
  },
  {
    does: 'goes on after a cancelled call has settled',
    noticedBy: 'a call whose caller is cancelled goes on to its end before it settles',
    file: (good) => {
      let writing = Promise.resolve()
      return {
        async write(buffers, position) {
          if (buffers[0]?.byteLength !== 200_000) return good.write(buffers, position)
          // By whatever seed, it is later than what is read after it.
          for (let turn = 0; turn < 10; turn += 1)
            writing = writing.then(() => good.size()).then(() => undefined)
          writing = writing.then(() => good.write(buffers, position))
        },
        async close() {
          await writing
          await good.close()
        },
      }
    },
  },
  {
    does: 'lets two hold a lock',
    noticedBy: 'a lock is held once, and can be taken again when it was closed',
    disk: (good) => ({
      async lock(path) {
        try {
          return await good.lock(path)
        } catch (error) {
          if (error instanceof DiskError && error.code === 'DISK_LOCKED')
            return { close: async () => undefined }
          throw error
        }
      },
    }),
  },
]

export const breakages: readonly Breakage[] = [
  ...files,
  ...appending,
  ...naming,
  ...foldering,
  ...living,
  ...versions,
]
