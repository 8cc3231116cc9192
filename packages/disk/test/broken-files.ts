/** Ways of being broken that have to do with what is in a file. */
import type { Breakage } from './broken.ts'

export const files: readonly Breakage[] = [
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

export const appending: readonly Breakage[] = [
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
