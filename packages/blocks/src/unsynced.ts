/**
 * The note of a failed sync. After such a failure the system may answer from memory what the device never got, and
 * forget about it: a process that opens the store later would find the bytes, sync them with success, and vouch for what
 * is not there. So the first one notes which kept packs have bytes that no sync has covered, and the next writes those
 * packs anew. The same goes for names after a failed sync of the folder: with a note there, all kept packs get theirs anew.
 *
 * The note is not synced, and need not be: once the power is lost, so is what the system answered from memory.
 */
import { type Disk, DiskError, type DiskFile } from '@ipfs-kit/disk'
import { crc32 } from 'node:zlib'
import type { Pack } from './pack.ts'
import { type PackFolder, parsePackName } from './pack-folder.ts'
import { readingAround, tryTwice } from './read-around.ts'

const noteName = 'unsynced'
const temporary = '.tmp'
/** What a pack is called besides that was written anew though not all of it could be read. */
export const setAside = '.unreadable'
const unreadable = Symbol('unreadable')
/** Names of packs, a line each. */
const maxNoteBytes = 1_048_576
const pieceBytes = 1_048_576

/** Notes the kept packs that have unsynced bytes. What the disk refuses twice is left: it is failing already. */
export async function noteUnsynced({ disk, path }: PackFolder, packs: Iterable<Pack>): Promise<void> {
  const names = [...packs]
    .filter((pack) => pack.state !== 'gone' && hasUnsynced(pack))
    .map((pack) => pack.path.slice(path.length + 1))
  const text = Buffer.from(names.join('\n'), 'latin1')
  const write = async (): Promise<void> => {
    const file = await disk.open(`${path}/${noteName}`, 'create')
    try {
      await file.truncate(0)
      await file.write([Buffer.from(`${crc32(text)}\n`, 'latin1'), text], 0)
    } finally {
      await file.close()
    }
  }
  try {
    await tryTwice(write)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
  }
}

/** A write that failed may have left frames behind those that count: the next process would find them. */
function hasUnsynced({ syncedEnd, writtenEnd, failure }: Pack): boolean {
  return syncedEnd < writtenEnd || failure !== undefined
}

/** Makes the names of the packs that were found survive a power loss; a failure is noted. @throws DiskError */
export async function syncNames(folder: PackFolder): Promise<void> {
  try {
    await folder.sync()
  } catch (error) {
    await noteUnsynced(folder, [])
    throw error
  }
}

/**
 * Before the packs are read: writes those anew that a note names, gives the other kept packs their names anew, and removes
 * the note for good. Takes the room of one pack meanwhile, beyond any quota. A pack that cannot be read everywhere is set
 * aside, and zeros stand in its place for what cannot be read.
 *
 * @throws DiskError
 */
export async function rewriteUnsynced(disk: Disk, folder: string): Promise<void> {
  // Whoever was about to write a pack anew may have died.
  const names = new Set((await disk.list(folder)).map(({ name }) => name))
  for (const name of names) {
    if (!name.endsWith(`.pack${temporary}`)) continue
    const whole = name.slice(0, -temporary.length)
    if (names.has(whole)) await disk.unlink(`${folder}/${name}`)
    else await disk.rename(`${folder}/${name}`, `${folder}/${whole}`)
  }
  const path = `${folder}/${noteName}`
  const text = await readIfThere(disk, path)
  if (text === undefined) return
  const there = (await disk.list(folder)).map(({ name }) => name)
  const doubtful = new Set(namesIn(text) ?? there)
  for (const name of there) {
    if (parsePackName(name)?.stream !== 'kept') continue
    if (doubtful.has(name)) await rewrite(disk, folder, name)
    else await renew(disk, `${folder}/${name}`)
  }
  await disk.syncFolder(folder)
  await disk.unlink(path)
}

/** The names in a note; `undefined` if it cannot be read, or was not written to its end: the disk was failing, or full. */
function namesIn(text: string | typeof unreadable): readonly string[] | undefined {
  if (text === unreadable) return undefined
  const [crc, ...names] = text.split('\n')
  return crc === String(crc32(Buffer.from(names.join('\n'), 'latin1'))) ? names : undefined
}

/** Gives a pack its name anew: if it was the sync of the folder that failed, another one would not bring that to the device. */
async function renew(disk: Disk, path: string): Promise<void> {
  await disk.rename(path, `${path}${temporary}`)
  await disk.rename(`${path}${temporary}`, path)
}

async function rewrite(disk: Disk, folder: string, name: string): Promise<void> {
  const path = `${folder}/${name}`
  const source = await disk.open(path, 'read')
  const from = readingAround(source)
  try {
    const to = await disk.open(`${path}${temporary}`, 'create-new')
    try {
      const piece = Buffer.allocUnsafe(pieceBytes)
      const size = await source.size()
      for (let at = 0; at < size;) {
        const read = await from.read(piece.subarray(0, size - at), at)
        if (read === 0) break
        await to.write([piece.subarray(0, read)], at)
        at += read
      }
      await to.sync()
    } finally {
      await to.close()
    }
  } finally {
    await source.close()
  }
  if (from.unreadable.pieces.length > 0) {
    // Between the two renames its copy is found by its own name, and takes its place: that name has to be there for good.
    await disk.syncFolder(folder)
    await disk.rename(path, `${path}${setAside}`)
  }
  await disk.rename(`${path}${temporary}`, path)
}

async function readIfThere(disk: Disk, path: string): Promise<string | typeof unreadable | undefined> {
  let file: DiskFile
  try {
    file = await disk.open(path, 'read')
  } catch (error) {
    if (error instanceof DiskError && error.code === 'DISK_NOT_FOUND') return undefined
    throw error
  }
  try {
    const bytes = Buffer.alloc(Math.min(maxNoteBytes, await file.size()))
    const read = await tryTwice(() => file.read(bytes, 0))
    return read === undefined ? unreadable : bytes.toString('latin1', 0, read)
  } finally {
    await file.close()
  }
}
