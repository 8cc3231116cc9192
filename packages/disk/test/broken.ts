/** Disks that are broken on purpose, each in one way, with the case of the suite that has to notice. */
import { DiskError } from '@ipfs-kit/disk'
import type { Disk, DiskFile } from '@ipfs-kit/disk'

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

const files: readonly Breakage[] = [
  {
    does: 'makes files that are opened to write',
    noticedBy: 'the modes of opening make a file or do not, as they say',
    disk: (good) => ({ open: (path, mode) => good.open(path, mode === 'write' ? 'create' : mode) }),
  },
  {
    does: 'opens what is to be new and is there',
    noticedBy: 'the modes of opening make a file or do not, as they say',
    disk: (good) => ({ open: (path, mode) => good.open(path, mode === 'create-new' ? 'create' : mode) }),
  },
  {
    does: 'forgets the path of a file',
    noticedBy: 'a file has the path it was opened with',
    file: () => ({ path: '' }),
  },
  {
    does: 'writes to files that are open to read',
    noticedBy: 'a file that is open to read cannot be changed',
    disk: (good) => ({ open: (path, mode) => good.open(path, mode === 'read' ? 'write' : mode) }),
  },
  {
    does: 'adds to the end wherever it is told to write',
    noticedBy: 'what is written is read, at once and later, by this handle and by others',
    file: (good) => ({ write: async (buffers) => good.write(buffers, await good.size()) }),
  },
  {
    does: 'clears the rest of a buffer',
    noticedBy: 'reading ends at the end of the file and leaves the rest of the buffer',
    file: (good) => ({
      async read(into, position) {
        const length = await good.read(into, position)
        into.fill(0, length)
        return length
      },
    }),
  },
  {
    does: 'gives the length of the buffer for that of what was read',
    noticedBy: 'reading ends at the end of the file and leaves the rest of the buffer',
    file: (good) => ({
      async read(into, position) {
        await good.read(into, position)
        return into.byteLength
      },
    }),
  },
  {
    does: 'reads nothing at once and says so as if it were the end',
    noticedBy: 'readNow reads the same or says that it does not',
    file: (good) => ({ readNow: (into, position) => good.readNow(into, position) ?? 0 }),
  },
  {
    does: 'says that it wrote at once what it did not',
    noticedBy: 'writeNow writes all of it, or nothing and says so',
    file: (good) => ({ writeNow: (buffers, position) => good.writeNow(buffers, position) || true }),
  },
  {
    does: 'writes at once and says that it did not',
    noticedBy: 'writeNow writes all of it, or nothing and says so',
    file: (good) => ({ writeNow: (buffers, position) => good.writeNow(buffers, position) && false }),
  },
  {
    does: 'writes at once the first buffer only',
    noticedBy: 'writeNow writes all of it, or nothing and says so',
    file: (good) => ({ writeNow: (buffers, position) => good.writeNow(buffers.slice(0, 1), position) }),
  },
  {
    does: 'closes gaps',
    noticedBy: 'a gap that is written over reads as zeros',
    file: (good) => ({
      write: async (buffers, position) => good.write(buffers, Math.min(position, await good.size())),
    }),
  },
  {
    does: 'does not extend',
    noticedBy: 'truncate cuts, and extends with zeros where there was something before',
    file: (good) => ({ truncate: async (size) => good.truncate(Math.min(size, await good.size())) }),
  },
  {
    does: 'shortens when it takes room',
    noticedBy: 'preallocate extends with zeros, keeps what is there and never shortens',
    file: (good) => ({ preallocate: (size) => good.truncate(size) }),
  },
  {
    does: 'takes a position for a number when it is none',
    noticedBy: 'what is no position, size or buffer is refused, and changes nothing',
    file: (good) => ({
      read: (into, position) => good.read(into, Math.abs(Math.trunc(Number(position))) || 0),
    }),
  },
  {
    does: 'opens folders as empty files',
    noticedBy: 'a folder cannot be opened as a file',
    disk: (good) => ({
      async open(path, mode) {
        const folder = (await good.stat(path))?.kind === 'folder'
        return good.open(folder ? `${path}.file` : path, folder ? 'create' : mode)
      },
    }),
  },
]

const appending: readonly Breakage[] = [
  {
    does: 'writes the first buffer only',
    noticedBy: 'buffers of one write come one after the other, empty ones too',
    file: (good) => ({ write: (buffers, position) => good.write(buffers.slice(0, 1), position) }),
  },
  {
    does: 'extends a file for an empty write',
    noticedBy: 'a write of nothing changes nothing, not even past the end',
    file: (good) => ({
      async write(buffers, position) {
        await good.write(buffers, position)
        await good.preallocate(position)
      },
    }),
  },
  {
    does: 'writes as many buffers as a system takes',
    noticedBy: 'more buffers than one call of a system takes are all written',
    file: (good) => ({ write: (buffers, position) => good.write(buffers.slice(0, 1024), position) }),
  },
  {
    does: 'writes the whole memory of a buffer',
    noticedBy: 'parts of larger memory are written and read in place',
    file: (good) => ({
      write: (buffers, position) =>
        good.write(
          buffers.map(({ buffer }) => new Uint8Array(buffer)),
          position,
        ),
    }),
  },
  {
    does: 'writes when it likes',
    noticedBy: 'buffers may be used again when the write has resolved',
    file: (good) => {
      const later: [readonly Uint8Array[], number][] = []
      return {
        async write(buffers, position) {
          later.push([buffers, position])
        },
        async size() {
          for (const [buffers, position] of later.splice(0)) await good.write(buffers, position)
          return good.size()
        },
      }
    },
  },
  {
    does: 'writes a megabyte at most',
    noticedBy: 'a value of some megabytes is written and read whole',
    file: (good) => ({
      write: (buffers, position) =>
        good.write(
          buffers.map((one) => one.subarray(0, 1 << 20)),
          position,
        ),
    }),
  },
  {
    does: 'mixes up calls that run side by side',
    noticedBy: 'writes, reads and syncs run side by side',
    file: (good) => {
      let last = 0
      return {
        async write(buffers, position) {
          last = position
          await good.size()
          await good.write(buffers, last)
        },
      }
    },
  },
]

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

export const breakages: readonly Breakage[] = [...files, ...appending, ...naming, ...foldering, ...living]
