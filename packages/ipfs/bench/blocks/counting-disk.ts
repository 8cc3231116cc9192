/** A disk that counts what lies on it and what it was given to write, seen from outside of the store. */
import type { Disk, DiskFile } from '@ipfs-kit/disk'

/** What was counted. */
export interface DiskCounts {
  /** Bytes given to writes. */
  readonly writtenBytes: number
  /** Most bytes of all files at any moment. */
  readonly peakBytes: number
  readonly nowBytes: number
}

/** A file as the volume sees it: it takes room until it has no name and nobody has it open. */
interface Inode {
  size: number
  handles: number
  named: boolean
}

const unitBytes = 4096

/**
 * Counts over another disk. A file weighs its size rounded up to 4 KiB. What grows counts from the call on, what shrinks
 * or goes when the call is done: so no moment is missed at which more may lie there. Files that were there before are
 * counted when they are opened.
 */
export function countingDisk(disk: Disk): { readonly disk: Disk; counts(): DiskCounts } {
  const inodes = new Map<string, Inode>()
  let writtenBytes = 0
  let nowBytes = 0
  let peakBytes = 0

  const resize = (inode: Inode, size: number): void => {
    nowBytes += weight(size) - weight(inode.size)
    inode.size = size
    peakBytes = Math.max(peakBytes, nowBytes)
  }
  const settle = (inode: Inode): void => {
    if (!inode.named && inode.handles === 0) resize(inode, 0)
  }
  const forget = (path: string): void => {
    const inode = inodes.get(path)
    if (inode === undefined) return
    inodes.delete(path)
    inode.named = false
    settle(inode)
  }
  const counted = (file: DiskFile, inode: Inode): DiskFile => {
    let open = true
    const grow = (size: number): void => {
      if (size > inode.size) resize(inode, size)
    }
    return {
      path: file.path,
      write(buffers, position) {
        const bytes = buffers.reduce((sum, one) => sum + one.byteLength, 0)
        writtenBytes += bytes
        grow(position + bytes)
        return file.write(buffers, position)
      },
      writeNow(buffers, position) {
        if (!file.writeNow(buffers, position)) return false
        const bytes = buffers.reduce((sum, one) => sum + one.byteLength, 0)
        writtenBytes += bytes
        grow(position + bytes)
        return true
      },
      read: (into, position) => file.read(into, position),
      readNow: (into, position) => file.readNow(into, position),
      async truncate(size) {
        grow(size)
        await file.truncate(size)
        resize(inode, size)
      },
      preallocate(size) {
        grow(size)
        return file.preallocate(size)
      },
      sync: () => file.sync(),
      syncNow: () => file.syncNow(),
      size: () => file.size(),
      stat: () => file.stat(),
      setModified: (ms) => file.setModified(ms),
      async close() {
        await file.close()
        if (!open) return
        open = false
        inode.handles -= 1
        settle(inode)
      },
    }
  }

  return {
    counts: () => ({ writtenBytes, peakBytes, nowBytes }),
    disk: {
      name: disk.name,
      async open(path, mode) {
        const file = await disk.open(path, mode)
        const size = await file.size()
        let inode = inodes.get(path)
        if (inode === undefined) inodes.set(path, (inode = { size: 0, handles: 0, named: true }))
        inode.handles += 1
        if (size > inode.size) resize(inode, size)
        return counted(file, inode)
      },
      async rename(from, to) {
        await disk.rename(from, to)
        forget(to)
        const inode = inodes.get(from)
        if (inode === undefined) return
        inodes.delete(from)
        inodes.set(to, inode)
      },
      async unlink(path) {
        const was = await disk.unlink(path)
        forget(path)
        return was
      },
      makeFolder: (path) => disk.makeFolder(path),
      removeFolder: (path) => disk.removeFolder(path),
      list: (path) => disk.list(path),
      stat: (path) => disk.stat(path),
      syncFolder: (path) => disk.syncFolder(path),
      freeSpace: (path) => disk.freeSpace(path),
      lock: (path) => disk.lock(path),
    },
  }
}

function weight(size: number): number {
  return Math.ceil(size / unitBytes) * unitBytes
}
