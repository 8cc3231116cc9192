/** Files that only their owner can read, and the checks that they are. */
import { randomUUID } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { link, lstat, mkdir, open, rename, rm, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CredentialsError } from './errors.ts'

const othersBits = 0o077
const othersWriteBits = 0o022
/** NOFOLLOW: not through a link. NONBLOCK: a pipe must not make us wait for its writer. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Reads a file that nobody else can read.
 *
 * @param maxBytes - more than this is not read: a longer file gives `maxBytes + 1` bytes
 * @returns its bytes, or undefined if there is no such file
 * @throws CredentialsError `CREDENTIALS_UNSAFE_FILE`, `CREDENTIALS_UNREADABLE`
 */
export async function readPrivate(file: string, maxBytes: number): Promise<Buffer | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, openFlags)
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw openError(file, cause)
  }
  try {
    const stats = await handle.stat()
    checkFile(file, stats)
    const buffer = Buffer.alloc(Math.min(stats.size, maxBytes) + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
      length += bytesRead
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length)
    }
  } catch (error) {
    throw error instanceof CredentialsError ? error : unreadable(file, error)
  } finally {
    await handle.close()
  }
}

/** The same without waiting, for files of which every request looks whether they have changed. */
export function readPrivateNow(file: string, maxBytes: number): Buffer | undefined {
  let handle: number
  try {
    handle = openSync(file, openFlags)
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw openError(file, cause)
  }
  try {
    const stats = fstatSync(handle)
    checkFile(file, stats)
    const buffer = Buffer.alloc(Math.min(stats.size, maxBytes) + 1)
    return buffer.subarray(0, readSync(handle, buffer))
  } catch (error) {
    throw error instanceof CredentialsError ? error : unreadable(file, error)
  } finally {
    closeSync(handle)
  }
}

/**
 * Makes a private folder if it is missing, and refuses one that others can enter.
 *
 * @throws CredentialsError `CREDENTIALS_UNSAFE_FILE`, `CREDENTIALS_UNWRITABLE`, `CREDENTIALS_UNREADABLE`
 */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw unwritable(folder, cause)
  }
  const stats = await statsOf(folder, lstat)
  if (!stats.isDirectory()) throw unsafe(folder, 'is not a folder', 'remove it and start again')
  checkOwner(folder, stats, { forbidden: othersBits, remedy: 'chmod 700' })
}

/**
 * Refuses a folder in which others could put another file in the place of ours. A link to one is as good as the folder.
 *
 * @throws CredentialsError `CREDENTIALS_UNSAFE_FILE`, `CREDENTIALS_UNREADABLE`
 */
export async function checkFolder(folder: string): Promise<void> {
  const stats = await statsOf(folder, stat)
  if (!stats.isDirectory()) throw unsafe(folder, 'is not a folder', 'name the folder of the home')
  checkOwner(folder, stats, { forbidden: othersWriteBits, remedy: 'chmod go-w' })
}

/**
 * Makes a file, unless it is there: then it stays. The file appears under its name complete and on disk, by a link to a
 * temporary file, so that nobody can ever read half of it.
 *
 * @throws CredentialsError `CREDENTIALS_UNWRITABLE`
 */
export async function createPrivate(file: string, content: string): Promise<void> {
  const folder = dirname(file)
  const temporary = join(folder, `.${randomUUID()}.tmp`)
  try {
    await writeNew(temporary, content)
    await link(temporary, file)
    await syncFolder(folder)
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw unwritable(file, cause)
  } finally {
    await removeIfThere(temporary)
  }
}

/**
 * Replaces a file, or makes it: whoever reads sees the old content or the new, also after a crash. For the holder of the
 * file's lock alone, since the temporary file has a fixed name: so the next change removes what a crash has left.
 *
 * @throws CredentialsError `CREDENTIALS_UNWRITABLE`; the old file stays
 */
export async function replacePrivate(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.tmp`
  try {
    await rm(temporary, { force: true })
    await writeNew(temporary, content)
    await rename(temporary, file)
    await syncFolder(dirname(file))
  } catch (cause) {
    await removeIfThere(temporary)
    throw unwritable(file, cause)
  }
}

async function writeNew(file: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function removeIfThere(temporary: string): Promise<void> {
  try {
    await unlink(temporary)
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw unwritable(temporary, cause)
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no folders to open.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function statsOf(folder: string, look: (path: string) => Promise<Stats>): Promise<Stats> {
  try {
    return await look(folder)
  } catch (cause) {
    throw unreadable(folder, cause)
  }
}

function openError(file: string, cause: unknown): CredentialsError {
  if (hasCode(cause, 'ELOOP')) return unsafe(file, 'is a symbolic link', 'put the file itself there')
  // A socket cannot be opened.
  if (hasCode(cause, 'ENXIO')) return unsafe(file, 'is not a regular file', 'remove it and start again')
  return unreadable(file, cause)
}

function checkFile(file: string, stats: Stats): void {
  if (!stats.isFile()) throw unsafe(file, 'is not a regular file', 'remove it and start again')
  checkOwner(file, stats, { forbidden: othersBits, remedy: 'chmod 600' })
}

/** Windows has neither these bits nor user ids; there a home is kept by the access list of the user's profile. */
function checkOwner(
  path: string,
  { mode, uid }: Stats,
  { forbidden, remedy }: { readonly forbidden: number; readonly remedy: string },
): void {
  if (process.getuid === undefined) return
  if (uid !== process.getuid()) {
    throw unsafe(
      path,
      `belongs to user ${uid}, not to user ${process.getuid()}`,
      'give it to the user who runs this',
    )
  }
  if ((mode & forbidden) !== 0) {
    const bits = (mode & 0o777).toString(8).padStart(4, '0')
    throw unsafe(path, `is open to others (mode ${bits})`, `run: ${remedy} ${JSON.stringify(path)}`)
  }
}

/** The error for a file that is not as a private file has to be. */
export function unsafe(path: string, flaw: string, remedy: string): CredentialsError {
  return new CredentialsError('CREDENTIALS_UNSAFE_FILE', `${path} ${flaw}; ${remedy}`)
}

/** The error for a file that the system does not let us read. */
export function unreadable(path: string, cause: unknown): CredentialsError {
  return new CredentialsError('CREDENTIALS_UNREADABLE', `${path} cannot be read: ${reasonOf(cause)}`, {
    cause,
  })
}

/** The error for a file that the system does not let us write. */
export function unwritable(path: string, cause: unknown): CredentialsError {
  return new CredentialsError('CREDENTIALS_UNWRITABLE', `${path} cannot be written: ${reasonOf(cause)}`, {
    cause,
  })
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
