/** The token file: one line that only its owner can read. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Stats } from 'node:fs'
import { constants, link, lstat, mkdir, open, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CredentialsError } from './errors.ts'

const tokenPattern = /^ipfskit_[A-Za-z0-9_-]{43}$/
/** A token and its line end; more than this is not read. */
const maxFileBytes = 'ipfskit_'.length + 43 + 1
const othersBits = 0o077

/**
 * Reads the token in a file.
 *
 * @param file - path of the token file, `<home>/tokens/default`
 * @returns the token, or undefined if there is no such file
 * @throws CredentialsError `CREDENTIALS_UNSAFE_FILE` if the file is a link, no regular file, not ours, open to others, or
 *   holds anything but one token; `CREDENTIALS_UNREADABLE` if the system refuses
 */
export async function readToken(file: string): Promise<string | undefined> {
  let handle: FileHandle
  try {
    // NOFOLLOW: not through a link. NONBLOCK: a pipe must not make us wait for its writer.
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    if (hasCode(cause, 'ELOOP')) throw unsafe(file, 'is a symbolic link', 'put the file itself there')
    // A socket cannot be opened.
    if (hasCode(cause, 'ENXIO')) throw unsafe(file, 'is not a regular file', 'remove it and start again')
    throw unreadable(file, cause)
  }
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw unsafe(file, 'is not a regular file', 'remove it and start again')
    checkOwner(file, stats, 'chmod 600')
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(maxFileBytes + 1), 0, maxFileBytes + 1, 0)
    const text = buffer.toString('latin1', 0, bytesRead)
    const token = text.endsWith('\n') ? text.slice(0, -1) : text
    if (tokenPattern.test(token)) return token
    throw unsafe(
      file,
      bytesRead === 0 ? 'is empty' : 'does not hold a token',
      'remove it, and the next start makes one',
    )
  } catch (error) {
    throw error instanceof CredentialsError ? error : unreadable(file, error)
  } finally {
    await handle.close()
  }
}

/**
 * Makes the folder of a token file if it is missing, and refuses one that others can enter.
 *
 * @throws CredentialsError `CREDENTIALS_UNSAFE_FILE`, `CREDENTIALS_UNWRITABLE`, `CREDENTIALS_UNREADABLE`
 */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw unwritable(folder, cause)
  }
  let stats: Stats
  try {
    stats = await lstat(folder)
  } catch (cause) {
    throw unreadable(folder, cause)
  }
  if (!stats.isDirectory()) throw unsafe(folder, 'is not a folder', 'remove it and start again')
  checkOwner(folder, stats, 'chmod 700')
}

/**
 * Makes a token and its file, unless another process is first: then that one's token stays. The file appears under its
 * name complete and on disk, by a link to a temporary file, so that nobody can ever read half of it.
 *
 * @throws CredentialsError `CREDENTIALS_UNWRITABLE`
 */
export async function createToken(file: string): Promise<void> {
  const folder = dirname(file)
  const temporary = join(folder, `.${randomUUID()}.tmp`)
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(`ipfskit_${randomBytes(32).toString('base64url')}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(temporary, file)
    await syncFolder(folder)
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw unwritable(file, cause)
  } finally {
    await removeIfThere(temporary)
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

/** Windows has neither these bits nor user ids; there a home is kept by the access list of the user's profile. */
function checkOwner(path: string, { mode, uid }: Stats, remedy: string): void {
  if (process.getuid === undefined) return
  if (uid !== process.getuid()) {
    throw unsafe(
      path,
      `belongs to user ${uid}, not to user ${process.getuid()}`,
      'give it to the user who runs this',
    )
  }
  if ((mode & othersBits) !== 0) {
    const bits = (mode & 0o777).toString(8).padStart(4, '0')
    throw unsafe(path, `is open to others (mode ${bits})`, `run: ${remedy} ${JSON.stringify(path)}`)
  }
}

function unsafe(path: string, flaw: string, remedy: string): CredentialsError {
  return new CredentialsError('CREDENTIALS_UNSAFE_FILE', `${path} ${flaw}; ${remedy}`)
}

function unreadable(path: string, cause: unknown): CredentialsError {
  return new CredentialsError('CREDENTIALS_UNREADABLE', `${path} cannot be read: ${reasonOf(cause)}`, {
    cause,
  })
}

function unwritable(path: string, cause: unknown): CredentialsError {
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
