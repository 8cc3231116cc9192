/** Reading a file from front to back, a window at a time. */
import type { DiskFile } from '@ipfs-kit/disk'

/** As much as the disk reads at once. */
const windowBytes = 512 * 1024

/** A part of a file in memory. */
export interface FileWindow {
  /** Bytes that were read so far. */
  readonly read: number
  /** The bytes from a place on, as many as asked for or as there are. */
  bytes(at: number, length: number): Buffer | Promise<Buffer>
}

/** Options of {@link createFileWindow}. */
export interface FileWindowOptions {
  /** Bytes of the file that count. */
  readonly size: number
  /** Whether memory that was given is used again for what comes next. */
  readonly reuse: boolean
}

/** A window over a file. */
export function createFileWindow(file: DiskFile, { size, reuse }: FileWindowOptions): FileWindow {
  let memory: Buffer = Buffer.alloc(0)
  let window = memory
  let begin = 0
  let read = 0
  const load = async (at: number, length: number): Promise<Buffer> => {
    const wanted = Math.min(Math.max(windowBytes, length), size - at)
    if (!reuse || memory.length < wanted) memory = Buffer.allocUnsafeSlow(wanted)
    const into = memory.subarray(0, wanted)
    // While it is filled it is no window over anything.
    window = into.subarray(0, 0)
    const got = file.readNow(into, at) ?? (await file.read(into, at))
    window = into.subarray(0, got)
    begin = at
    read += got
    return window.subarray(0, length)
  }
  return {
    get read() {
      return read
    },
    bytes(at, length) {
      const from = at - begin
      const most = Math.min(length, Math.max(0, size - at))
      if (from >= 0 && from + most <= window.length) return window.subarray(from, from + most)
      return load(at, most)
    },
  }
}
