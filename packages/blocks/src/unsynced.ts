/**
 * The note of a failed sync. After such a failure the system may answer from memory what the device never got, and
 * forget about it: a process that opens the store later would find the bytes, sync them with success, and vouch for what
 * is not there. So the first one notes which kept packs have bytes that no sync has covered, and the next writes those
 * packs anew.
 *
 * The note is not synced, and need not be: once the power is lost, so is what the system answered from memory.
 */
import { type Disk, DiskError, type DiskFile } from '@ipfs-kit/disk'
import { crc32 } from 'node:zlib'
import type { Pack } from './pack.ts'
import { type PackFolder, parsePackName } from './pack-folder.ts'

const noteName = 'unsynced'
const temporary = '.tmp'
/** Names of packs, a line each. */
const maxNoteBytes = 1_048_576
const pieceBytes = 1_048_576

/** Notes the kept packs that have unsynced bytes. What the disk refuses is left: it is failing already. */
export async function noteUnsynced({ disk, path }: PackFolder, packs: Iterable<Pack>): Promise<void> {
  const names = [...packs]
    .filter((pack) => pack.state !== 'gone' && pack.syncedEnd < pack.writtenEnd)
    .map((pack) => pack.path.slice(path.length + 1))
  const text = Buffer.from(names.join('\n'), 'latin1')
  try {
    const file = await disk.open(`${path}/${noteName}`, 'create')
    try {
      await file.truncate(0)
      await file.write([Buffer.from(`${crc32(text)}\n`, 'latin1'), text], 0)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
  }
}

/**
 * Before the packs are read: writes those anew that a note names, and removes the note for good. Takes the room of one
 * pack meanwhile, beyond any quota.
 *
 * @throws DiskError
 */
export async function rewriteUnsynced(disk: Disk, folder: string): Promise<void> {
  // Whoever was about to write a pack anew may have died.
  for (const { name } of await disk.list(folder)) {
    if (name.endsWith(`.pack${temporary}`)) await disk.unlink(`${folder}/${name}`)
  }
  const path = `${folder}/${noteName}`
  const text = await readIfThere(disk, path)
  if (text === undefined) return
  const [crc, ...names] = text.split('\n')
  if (crc === String(crc32(Buffer.from(names.join('\n'), 'latin1')))) {
    for (const name of names) if (parsePackName(name) !== undefined) await rewrite(disk, `${folder}/${name}`)
  }
  await disk.syncFolder(folder)
  await disk.unlink(path)
}

async function rewrite(disk: Disk, path: string): Promise<void> {
  if ((await disk.stat(path)) === undefined) return
  const from = await disk.open(path, 'read')
  try {
    const to = await disk.open(`${path}${temporary}`, 'create-new')
    try {
      const piece = Buffer.allocUnsafe(pieceBytes)
      for (let at = 0; ;) {
        const read = await from.read(piece, at)
        if (read === 0) break
        await to.write([piece.subarray(0, read)], at)
        at += read
      }
      await to.sync()
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
  await disk.rename(`${path}${temporary}`, path)
}

async function readIfThere(disk: Disk, path: string): Promise<string | undefined> {
  let file: DiskFile
  try {
    file = await disk.open(path, 'read')
  } catch (error) {
    if (error instanceof DiskError && error.code === 'DISK_NOT_FOUND') return undefined
    throw error
  }
  try {
    const bytes = Buffer.alloc(Math.min(maxNoteBytes, await file.size()))
    return bytes.toString('latin1', 0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}
