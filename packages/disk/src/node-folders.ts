/** Folders of the system: making them with those above, and syncing their entries. */
import { close, constants, fsync, mkdir, open, stat } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { systemCall } from './system-call.ts'
import { systemCodeOf } from './system-error.ts'

/** Codes by which Windows says that a folder cannot be opened or synced. It writes entries on its own. */
const notOnWindows = new Set(['EISDIR', 'EPERM', 'EINVAL', 'EACCES'])

/** `undefined` if there is nothing. */
export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await systemCall<Stats>((done) => stat(path, done))
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
 * Makes a folder (mode 0700) and those above it that are missing, and syncs their entries. Node's own recursive `mkdir`
 * never returns where the system answers ENOENT for a folder whose parent is there, as procfs does.
 */
export async function makeFolders(path: string): Promise<void> {
  const missing: string[] = []
  for (let at = path; ; at = dirname(at)) {
    const found = await statOf(at)
    if (found?.isDirectory() === true) break
    if (found !== undefined) throw Object.assign(new Error('It is no folder'), { code: 'EEXIST' })
    missing.push(at)
    if (dirname(at) === at) break
  }
  for (const at of missing.reverse()) {
    try {
      await systemCall<void>((done) => mkdir(at, { mode: 0o700 }, (error) => done(error, undefined)))
    } catch (error) {
      // Somebody else has just made it.
      if (systemCodeOf(error) !== 'EEXIST' || (await statOf(at))?.isDirectory() !== true) throw error
    }
    await syncAbove(at)
  }
}

async function syncAbove(path: string): Promise<void> {
  try {
    await syncFolder(dirname(path))
  } catch (error) {
    // One may write into it and may not open it to read: then nobody can sync it.
    if (systemCodeOf(error) !== 'EACCES') throw error
  }
}
