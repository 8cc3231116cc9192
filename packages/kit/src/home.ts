/** The folder that holds everything of one node. */
import { constants, readdirSync } from 'node:fs'
import { access, mkdir, readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { writeAtomically } from './atomic-file.ts'
import { KitError } from './errors.ts'

/**
 * The format of homes that this version writes, and the newest that it reads. 1 had a file for each block; 2 has packs, and
 * maybe some of those files, as long as they are being moved.
 */
export const homeFormat = 2

/** Where things lie in a home. */
export interface Home {
  /** Absolute path of the home itself. */
  readonly path: string
  /** The settings: optional, written by the user. */
  readonly config: string
  /**
   * Locked by the process that has the home open; see {@link takeLock}. Deleting it lets a second process in.
   */
  readonly lock: string
  /** Who holds the home, for those who want to join: see {@link readHolder}. */
  readonly holder: string
  /** The folder of the tokens. */
  readonly tokens: string
  /** The folder of the log of operations. */
  readonly log: string
  /** The folder of the journal. */
  readonly journal: string
}

/** What {@link homePath} looks at. Default: this process. */
export interface HomePathOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform
  /** The user's folder. */
  readonly userPath?: string
}

/**
 * Where the home is: `$IPFS_KIT_HOME`, else the platform's data folder: `$XDG_DATA_HOME/ipfs-kit` or
 * `~/.local/share/ipfs-kit`, on macOS `~/Library/Application Support/ipfs-kit`, on Windows
 * `%LOCALAPPDATA%\ipfs-kit`. Empty variables, and a relative `$XDG_DATA_HOME` (XDG Base Directory
 * Specification 0.8), count as absent.
 */
export function homePath(options: HomePathOptions = {}): string {
  const { env = process.env, platform = process.platform, userPath = homedir() } = options
  if (env.IPFS_KIT_HOME) return resolve(env.IPFS_KIT_HOME)
  if (platform === 'darwin') return join(userPath, 'Library', 'Application Support', 'ipfs-kit')
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(userPath, 'AppData', 'Local'), 'ipfs-kit')
  const data = env.XDG_DATA_HOME
  return join(data?.startsWith('/') ? data : join(userPath, '.local', 'share'), 'ipfs-kit')
}

/** The layout of a home, without looking at the disk. Default path: {@link homePath}. */
export function homeAt(path: string = homePath()): Home {
  const absolute = resolve(path)
  return Object.freeze({
    path: absolute,
    config: join(absolute, 'config.toml'),
    lock: join(absolute, 'lock'),
    holder: join(absolute, 'holder.json'),
    tokens: join(absolute, 'tokens'),
    log: join(absolute, 'log'),
    journal: join(absolute, 'journal'),
  })
}

/**
 * Makes the folder (mode 0700) if it is not there, and checks its format.
 *
 * Throws `KIT_HOME_UNWRITABLE`, `KIT_HOME_TOO_NEW`, `KIT_HOME_INVALID`.
 */
export async function openHome(options: { readonly path?: string } = {}): Promise<Home> {
  const home = homeAt(options.path)
  try {
    await makeFolders(home.path)
    await access(home.path, constants.R_OK | constants.W_OK | constants.X_OK)
    await checkFormat(home)
  } catch (error) {
    if (error instanceof KitError) throw error
    throw unwritable(home.path, error)
  }
  return home
}

/**
 * Makes a folder (mode 0700) and those above it that are missing. Node's own recursive `mkdir` never returns where the
 * system answers ENOENT for a folder whose parent is there, as procfs does.
 */
async function makeFolders(path: string): Promise<void> {
  const make = async (): Promise<void> => {
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  try {
    await make()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolders(dirname(path))
    await make()
  }
}

/** The error for a home that the system refuses. */
export function unwritable(path: string, cause: unknown): KitError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new KitError('KIT_HOME_UNWRITABLE', `The home ${path} cannot be made or written (${code})`, {
    cause,
  })
}

/**
 * Makes a home one of this version's format, before anything of that format is in it: an older version refuses it from now on.
 * For the holder of its lock alone.
 *
 * Throws `KIT_HOME_UNWRITABLE`, `KIT_HOME_TOO_NEW`, `KIT_HOME_INVALID`.
 */
export async function raiseFormat(home: Home): Promise<void> {
  try {
    // Looked at again: the holder before may have been a newer version.
    if ((await checkFormat(home)) < homeFormat) await writeAtomically(formatPath(home), `${homeFormat}\n`)
  } catch (error) {
    if (error instanceof KitError) throw error
    throw unwritable(home.path, error)
  }
}

function formatPath(home: Home): string {
  return join(home.path, 'format')
}

/** The format of a home; a new one gets that of this version. */
async function checkFormat(home: Home): Promise<number> {
  const path = formatPath(home)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) {
    const entries = await readdir(home.path)
    // Somebody else has just made it; or a process that made it died while it wrote its first file.
    if (entries.includes('format')) return checkFormat(home)
    if (entries.some((name) => !isBeforeFormat(name))) {
      throw new KitError('KIT_HOME_INVALID', `${home.path} is not empty, and it is no home`)
    }
    await writeAtomically(path, `${homeFormat}\n`)
    return homeFormat
  }
  if (!/^[1-9][0-9]{0,8}\r?\n?$/.test(text)) {
    const shown = JSON.stringify(text.slice(0, 40))
    throw new KitError('KIT_HOME_INVALID', `${path} holds ${shown} instead of the number of a format`)
  }
  const format = Number(text)
  if (format > homeFormat) {
    throw new KitError(
      'KIT_HOME_TOO_NEW',
      `The home ${home.path} has format ${format}; this version of ipfs-kit knows formats up to ${homeFormat}`,
    )
  }
  return format
}

/** What may be in a folder before it is a home: settings, tokens and secrets that were put there, and a format half-written. */
function isBeforeFormat(name: string): boolean {
  return ['config.toml', 'tokens'].includes(name) || /^(credentials|format)\./.test(name)
}

/** Whether a folder of the home has files. What cannot be listed may have some. */
export function hasFiles(path: string): boolean {
  try {
    return readdirSync(path).length > 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}
