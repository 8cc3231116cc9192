/** Folders of the system: making them with those above, and syncing their entries. */
import { close, constants, fsync, lstat, mkdir, open, rmdir, stat } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { dirname } from 'node:path'
import { systemCall } from './system-call.ts'
import { systemCodeOf } from './system-error.ts'

/** Codes by which Windows says that a folder cannot be opened or synced. It writes entries on its own. */
const notOnWindows = new Set(['EISDIR', 'EPERM', 'EINVAL', 'EACCES'])

/** `undefined` if there is nothing. */
export async function statOf(
  path: string,
  links: 'follow' | 'tell' = 'follow',
): Promise<BigIntStats | undefined> {
  const look = links === 'tell' ? lstat : stat
  try {
    return await systemCall<BigIntStats>((done) => look(path, { bigint: true }, done))
  } catch (error) {
    const code = systemCodeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

/** Makes the entries of a folder survive a power loss. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const flags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0)
    const fd = await systemCall<number>((done) => open(path, flags, done))
    try {
      await systemCall<void>((done) => fsync(fd, (error) => done(error, undefined)))
    } finally {
      await systemCall<void>((done) => close(fd, (error) => done(error ?? null, undefined)))
    }
  } catch (error) {
    if (process.platform === 'win32' && notOnWindows.has(systemCodeOf(error) ?? '')) return
    throw error
  }
}

/**
 * Makes a folder (mode 0700) and those above it that are missing, and syncs their names: one after the other, and also that
 * of the lowest one that is there, since whoever made it may have died before. Node's own recursive `mkdir` never returns
 * where the system answers ENOENT for a folder whose parent is there, as procfs does.
 */
export async function makeFolders(path: string, sync: (folder: string) => Promise<void>): Promise<void> {
  const missing: string[] = []
  let at = path
  for (; ; at = dirname(at)) {
    const found = await statOf(at)
    if (found?.isDirectory() === true) break
    if (found !== undefined) throw Object.assign(new Error('It is no folder'), { code: 'EEXIST' })
    missing.push(at)
    if (dirname(at) === at) break
  }
  await syncAbove(at, sync)
  for (const next of missing.reverse()) await makeAndSync(next, sync)
}

async function makeAndSync(path: string, sync: (folder: string) => Promise<void>): Promise<void> {
  try {
    await systemCall<void>((done) => mkdir(path, { mode: 0o700 }, (error) => done(error, undefined)))
  } catch (error) {
    // Somebody else has just made it.
    if (systemCodeOf(error) !== 'EEXIST' || (await statOf(path))?.isDirectory() !== true) throw error
    return syncAbove(path, sync)
  }
  try {
    await syncAbove(path, sync)
  } catch (error) {
    // A sync that succeeds later would say nothing about this name: whoever tries again makes it anew.
    await systemCall<void>((done) => rmdir(path, () => done(null, undefined)))
    throw error
  }
}

/** Codes for a folder that cannot be synced: one that may be written and not read, one of procfs, one that is read-only. */
const notToBeSynced = new Set(['EACCES', 'EINVAL', 'EROFS'])

async function syncAbove(path: string, sync: (folder: string) => Promise<void>): Promise<void> {
  try {
    await sync(dirname(path))
  } catch (error) {
    if (!notToBeSynced.has(systemCodeOf(error) ?? '')) throw error
  }
}
