/** Reading around what the disk cannot read. */
import { throwIfCancelled } from '@ipfs-kit/concurrency'
import { DiskError, type DiskFile } from '@ipfs-kit/disk'

/** A part of a file. */
export interface Span {
  readonly offset: number
  readonly bytes: number
}

/** As much as a system reads at least, mostly: of its page nothing comes if a part cannot be read. */
const pieceBytes = 4096

/**
 * Fills the buffer from a place on, or up to the end of the file; gives the number of bytes. Pieces that the device does not give
 * (`DISK_IO`) are zeros, and are added to `unreadable`.
 *
 * @throws DiskError for other failures
 */
export async function readAround(
  file: DiskFile,
  into: Uint8Array,
  at: number,
  unreadable: Span[],
): Promise<number> {
  try {
    return file.readNow(into, at) ?? (await file.read(into, at))
  } catch (error) {
    if (!isUnreadable(error)) throw error
  }
  let filled = 0
  while (filled < into.length) {
    throwIfCancelled()
    const offset = at + filled
    const bytes = Math.min(pieceBytes - (offset % pieceBytes), into.length - filled)
    const piece = into.subarray(filled, filled + bytes)
    try {
      const read = await file.read(piece, offset)
      filled += read
      if (read < bytes) break
    } catch (error) {
      if (!isUnreadable(error)) throw error
      piece.fill(0)
      unreadable.push({ offset, bytes })
      filled += bytes
    }
  }
  return filled
}

function isUnreadable(error: unknown): boolean {
  return error instanceof DiskError && error.code === 'DISK_IO'
}
