/** Reading a file from front to back, a window at a time. */
import type { DiskFile } from '@ipfs-kit/disk'
import { readAround, type Span } from './read-around.ts'

/** As much as the disk reads at once. */
const windowBytes = 512 * 1024

/** A part of a file in memory. */
export interface FileWindow {
  /** What the disk did not give of them: it is taken for zeros. */
  readonly unreadable: readonly Span[]
  /** The bytes from a place on, as many as asked for or as there are; `undefined` if they have to be read first. */
  held(at: number, length: number): Buffer | undefined
  /** The same, read if they have to be. */
  bytes(at: number, length: number): Promise<Buffer>
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
  const unreadable: Span[] = []
  const counted = (at: number, length: number): number => Math.min(length, Math.max(0, size - at))
  const held = (at: number, length: number): Buffer | undefined => {
    const from = at - begin
    const to = from + counted(at, length)
    return from >= 0 && to <= window.length ? window.subarray(from, to) : undefined
  }
  return {
    unreadable,
    held,
    async bytes(at, length) {
      const found = held(at, length)
      if (found !== undefined) return found
      const wanted = counted(at, Math.max(windowBytes, length))
      if (!reuse || memory.length < wanted) memory = Buffer.allocUnsafeSlow(wanted)
      const into = memory.subarray(0, wanted)
      // While it is filled it is no window over anything.
      window = into.subarray(0, 0)
      const got = await readAround(file, into, at, unreadable)
      window = into.subarray(0, got)
      begin = at
      return window.subarray(0, length)
    },
  }
}
