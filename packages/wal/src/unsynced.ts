/**
 * The note of a failed sync. After such a failure the system may answer from memory what the device never got, and forget about it:
 * who opens the log later would find the bytes, sync them with success, and vouch for what is not there. So the failure is noted,
 * and the next opening writes the last segment anew.
 *
 * The note is not synced, and need not be: once the power is lost, so is what the system answered from memory.
 */
import { type Disk, DiskError } from '@ipfs-kit/disk'
import { nextName } from './next-segment.ts'

const noteName = 'unsynced'
const pieceBytes = 1024 * 1024

/** Notes that a sync has failed. What the disk refuses twice is left: it is failing already. */
export async function noteUnsynced(disk: Disk, folder: string): Promise<void> {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      const file = await disk.open(`${folder}/${noteName}`, 'create')
      await file.close()
      return
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
    }
  }
}

/** Writes the last segment anew if there is a note, and removes that. @throws DiskError */
export async function rewriteUnsynced(disk: Disk, folder: string, last: string | undefined): Promise<void> {
  if ((await disk.stat(`${folder}/${noteName}`)) === undefined) return
  if (last !== undefined) {
    await copy(disk, `${folder}/${last}`, `${folder}/${nextName}`)
    await disk.rename(`${folder}/${nextName}`, `${folder}/${last}`)
    await disk.syncFolder(folder)
  }
  await disk.unlink(`${folder}/${noteName}`)
}

async function copy(disk: Disk, from: string, to: string): Promise<void> {
  const source = await disk.open(from, 'read')
  try {
    const target = await disk.open(to, 'create')
    try {
      await target.truncate(0)
      const piece = Buffer.allocUnsafeSlow(pieceBytes)
      for (let at = 0, read = -1; read !== 0; at += read) {
        read = await source.read(piece, at)
        if (read > 0) await target.write([piece.subarray(0, read)], at)
      }
      await target.sync()
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
