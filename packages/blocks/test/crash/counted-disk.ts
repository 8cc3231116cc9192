/** A disk that knows at every moment how many bytes its packs take, counted from what is asked of it and not from the store. */
import type { Disk, DiskFile } from '@ipfs-kit/disk'

const pageBytes = 4096

/** What is told of the files of a store. */
export interface CountedDisk extends Disk {
  /** Bytes of all pack files, in whole pages; what a call that runs may have written is in it. */
  readonly packBytes: number
}

/** Options of {@link countedDisk}. */
export interface CountedDiskOptions {
  /** Called when packs have grown. */
  readonly onGrown?: (packBytes: number) => void
  /** Called before and after every call that changes the disk. */
  readonly onMoment?: () => void
}

/** Counts the packs of a folder, which may have some already. */
export async function countedDisk(
  disk: Disk,
  folder: string,
  { onGrown = () => undefined, onMoment = () => undefined }: CountedDiskOptions = {},
): Promise<CountedDisk> {
  const sizes = new Map<string, number>()
  let packBytes = 0
  const set = (path: string, size: number | undefined): void => {
    if (!path.endsWith('.pack')) return
    const bytes = pages(size ?? 0) - pages(sizes.get(path) ?? 0)
    packBytes += bytes
    if (size === undefined) sizes.delete(path)
    else sizes.set(path, size)
    if (bytes > 0) onGrown(packBytes)
  }
  const change = async <T>(what: () => Promise<T>): Promise<T> => {
    onMoment()
    const result = await what()
    onMoment()
    return result
  }
  const entries = (await disk.stat(folder)) === undefined ? [] : await disk.list(folder)
  for (const { name } of entries) set(`${folder}/${name}`, (await disk.stat(`${folder}/${name}`))?.size)
  const counted = (file: DiskFile): DiskFile => ({
    path: file.path,
    write: (buffers, position) => {
      const end = buffers.reduce((sum, { length }) => sum + length, position)
      set(file.path, Math.max(end, sizes.get(file.path) ?? 0))
      return change(() => file.write(buffers, position))
    },
    writeNow: (buffers, position) => {
      const end = buffers.reduce((sum, { length }) => sum + length, position)
      // If it writes nothing now, it is asked to write the same at once.
      set(file.path, Math.max(end, sizes.get(file.path) ?? 0))
      onMoment()
      const done = file.writeNow(buffers, position)
      onMoment()
      return done
    },
    truncate: async (size) => {
      await change(() => file.truncate(size))
      set(file.path, size)
    },
    sync: () => change(() => file.sync()),
    syncNow: () => {
      onMoment()
      const done = file.syncNow()
      onMoment()
      return done
    },
    preallocate: (size) => file.preallocate(size),
    read: (into, position) => file.read(into, position),
    readNow: (into, position) => file.readNow(into, position),
    size: () => file.size(),
    stat: () => file.stat(),
    setModified: (ms) => file.setModified(ms),
    close: () => file.close(),
  })
  return {
    name: disk.name,
    get packBytes() {
      return packBytes
    },
    open: async (path, mode) => counted(await disk.open(path, mode)),
    unlink: async (path) => {
      const was = await change(() => disk.unlink(path))
      set(path, undefined)
      return was
    },
    syncFolder: (path) => change(() => disk.syncFolder(path)),
    rename: (from, to) => disk.rename(from, to),
    makeFolder: (path) => disk.makeFolder(path),
    removeFolder: (path) => disk.removeFolder(path),
    list: (path) => disk.list(path),
    stat: (path) => disk.stat(path),
    freeSpace: (path) => disk.freeSpace(path),
    lock: (path) => disk.lock(path),
  }
}

function pages(size: number): number {
  return Math.ceil(size / pageBytes) * pageBytes
}
