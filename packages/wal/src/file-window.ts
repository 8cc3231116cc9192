/** Reading a file from front to back, a window at a time. */
import type { DiskFile } from '@ipfs-kit/disk'

const windowBytes = 1024 * 1024

/** A part of a file in memory. Memory that was given is not used again. */
export interface FileWindow {
  /** Bytes that were read so far. */
  readonly read: number
  /** The bytes from a place on, as many as asked for or as there are. */
  bytes(at: number, length: number): Buffer | Promise<Buffer>
}

/** A window over a file whose bytes count up to `size`. */
export function createFileWindow(file: DiskFile, size: number): FileWindow {
  let window: Buffer = Buffer.alloc(0)
  let begin = 0
  let read = 0
  const load = async (at: number, length: number): Promise<Buffer> => {
    const wanted = Math.min(Math.max(windowBytes, length), size - at)
    const into = Buffer.allocUnsafeSlow(wanted)
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
