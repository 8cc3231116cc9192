/**
 * The note of a failed sync. After such a failure the system may answer from memory what the device never got, and forget about it:
 * who opens the log later would find the bytes, sync them with success, and vouch for what is not there. So the failure is noted,
 * and the next opening writes the last segment anew. If it was the folder, after a segment was dropped, its name may come back,
 * and those of segments that are dropped later would not: the next opening removes it once more.
 *
 * The note is not synced, and need not be: once the power is lost, so is what the system answered from memory.
 */
import { type Disk, DiskError } from '@ipfs-kit/disk'
import { WalError } from '../errors.ts'
import { nextName } from './next-segment.ts'
import { encodeSegmentHeader, parseSegmentName, type SegmentName } from './segment.ts'

const noteName = 'unsynced'
const pieceBytes = 1024 * 1024

/** Syncs; notes a failure, and the segment that was dropped before it. @throws WalError WAL_SYNC_FAILED */
export async function syncOrNote(
  { disk, folder }: { readonly disk: Disk; readonly folder: string },
  sync: () => Promise<void>,
  dropped = '',
): Promise<void> {
  try {
    await sync()
  } catch (cause) {
    await note(disk, folder, dropped)
    throw new WalError(
      'WAL_SYNC_FAILED',
      `The log at ${folder} could not be synced, and takes nothing any more`,
      { cause },
    )
  }
}

/** What the disk refuses twice is left: it is failing already. */
async function note(disk: Disk, folder: string, dropped: string): Promise<void> {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      const file = await disk.open(`${folder}/${noteName}`, 'create')
      try {
        await file.truncate(0)
        await file.write([Buffer.from(dropped, 'latin1')], 0)
      } finally {
        await file.close()
      }
      return
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
    }
  }
}

/** If there is a note, does what it asks for, and removes it. `names` are those of the segments, in order. @throws DiskError */
export async function rewriteUnsynced(disk: Disk, folder: string, names: readonly string[]): Promise<void> {
  if ((await disk.stat(`${folder}/${noteName}`)) === undefined) return
  const dropped = await droppedBy(disk, folder)
  if (dropped !== undefined && !names.includes(dropped.name)) await dropAgain(disk, folder, dropped)
  const last = names.at(-1)
  if (last !== undefined) {
    await copy(disk, `${folder}/${last}`, `${folder}/${nextName}`)
    await disk.rename(`${folder}/${nextName}`, `${folder}/${last}`)
  }
  await disk.syncFolder(folder)
  await disk.unlink(`${folder}/${noteName}`)
}

/** Gives its name to a segment that says it was dropped, and removes that: whichever of it a power loss leaves is no loss. */
async function dropAgain(disk: Disk, folder: string, dropped: SegmentName): Promise<void> {
  const file = await disk.open(`${folder}/${nextName}`, 'create')
  try {
    await file.truncate(0)
    await file.write([encodeSegmentHeader(dropped, 0)], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(`${folder}/${nextName}`, `${folder}/${dropped.name}`)
  await disk.unlink(`${folder}/${dropped.name}`)
}

/** The segment that a note names. */
async function droppedBy(disk: Disk, folder: string): Promise<SegmentName | undefined> {
  const file = await disk.open(`${folder}/${noteName}`, 'read')
  try {
    const bytes = Buffer.alloc(64)
    return parseSegmentName(bytes.toString('latin1', 0, await file.read(bytes, 0)))
  } finally {
    await file.close()
  }
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
