/** A folder that is gone with its user. */
import type { Dirent } from 'node:fs'
import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkOptions } from '../checks.ts'
import { ConcurrencyError } from '../errors.ts'
import type { WaitOptions } from '../scope.ts'
import { suspend } from '../suspend.ts'

/** Options of {@link tempDir}. */
export interface TempDirOptions extends WaitOptions {
  /** What the name of the folder begins with; six characters follow. Default: `ipfs-kit-`. */
  readonly prefix?: string | undefined
  /** The folder to make it in. Default: the system's folder for temporary files. */
  readonly parent?: string | undefined
}

/** A temporary folder. */
export interface TempDir extends AsyncDisposable {
  /** Its absolute path, without symbolic links. */
  readonly path: string
  /**
   * Removes the folder with everything in it, also what is read-only; links are removed, not followed. Idempotent, and
   * no cancellation cuts it short. Throws `CONCURRENCY_TEMP_DIR`; then it can be called again.
   */
  [Symbol.asyncDispose](): Promise<void>
}

const optionNames = ['prefix', 'parent', 'scope', 'signal']

/**
 * Makes a temporary folder, readable by this user alone. Hold it with `await using`.
 *
 * @throws TypeError for wrong options; `CONCURRENCY_TEMP_DIR`; the reason of a cancellation
 */
export async function tempDir(options: TempDirOptions = {}): Promise<TempDir> {
  checkOptions(options, optionNames)
  const { prefix = 'ipfs-kit-', parent = tmpdir(), scope, signal } = options
  if (typeof prefix !== 'string' || /[/\\\0]/.test(prefix)) {
    throw new TypeError('prefix is not text without slashes')
  }
  if (typeof parent !== 'string' || parent === '') throw new TypeError('parent is not the path of a folder')
  return await suspend<TempDir>(
    (resume) => {
      let isCancelled = false
      const make = async (): Promise<void> => {
        const folder = new Folder(await makeFolder(parent, prefix))
        if (isCancelled) await folder[Symbol.asyncDispose]()
        resume.resolve(folder)
      }
      make().catch((error: unknown) => resume.reject(error))
      return () => {
        isCancelled = true
        return 'settles-later'
      }
    },
    { scope, signal, what: 'temporary folder' },
  )
}

async function makeFolder(parent: string, prefix: string): Promise<string> {
  try {
    return await mkdtemp(join(await realpath(parent), prefix))
  } catch (cause) {
    throw failed(`cannot make a folder in ${parent}`, cause)
  }
}

class Folder implements TempDir {
  readonly path: string
  #removing: Promise<void> | undefined

  constructor(path: string) {
    this.path = path
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#removing ??= removeWhole(this.path)
    try {
      await this.#removing
    } catch (cause) {
      this.#removing = undefined
      throw failed(`cannot remove ${this.path}`, cause)
    }
  }
}

/** How often, and after how many milliseconds more each time, a folder is tried again in which somebody still writes. */
const retries = { maxRetries: 5, retryDelay: 20 }

async function removeWhole(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, ...retries })
  } catch (error) {
    if (!isForbidden(error)) throw error
    await openFolders(path)
    await rm(path, { recursive: true, force: true, ...retries })
  }
}

/** Makes every folder writable: what lies in a read-only one cannot be removed. */
async function openFolders(path: string): Promise<void> {
  await chmod(path, 0o700)
  const entries: Dirent[] = await readdir(path, { withFileTypes: true })
  for (const entry of entries) {
    // A link to a folder is no folder here.
    if (entry.isDirectory()) await openFolders(join(path, entry.name))
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')
}

function failed(what: string, cause: unknown): ConcurrencyError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  return new ConcurrencyError('CONCURRENCY_TEMP_DIR', what + why, { cause })
}
