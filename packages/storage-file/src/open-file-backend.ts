/** Opens a folder as a storage backend. */
import { hostname } from 'node:os'
import { type Disk, DiskError, nodeDisk } from '@ipfs-kit/disk'
import { type StorageBackend, StorageError, type Supports } from '@ipfs-kit/storage'
import { ownFolder } from './key-names.ts'
import { OpenedFileBackend } from './opened-file-backend.ts'
import { told } from './told.ts'
import { Tree } from './tree.ts'

/** Options of {@link openFileBackend}. */
export interface FileBackendOptions {
  /** The folder, as an absolute path. It is made if it is not there, unless `access` is `read`. */
  readonly path: string
  /** How people call it. Default `file`. */
  readonly name?: string
  /** What fails together. Default `host:<name of this machine>`: of folders on one machine, copies count as one. */
  readonly failureDomain?: string
  /**
   * `read-write`: the default. It keeps a folder `.ipfs-kit` of its own in the folder, and one process at a time has it open.
   * `read`: nothing is made, changed or locked, and `supports.write` and `supports.delete` are false.
   */
  readonly access?: 'read-write' | 'read'
  /**
   * `synced`: an acknowledged put or delete survives a power loss. The default.
   * `written`: it survives the death of the process; after a power loss the value may be the former one, torn or gone.
   */
  readonly durability?: 'synced' | 'written'
  /** Default: the disk of the system. */
  readonly disk?: Disk
  /** Milliseconds since 1970, which files that are put get as their time. Default: the clock of the system. */
  readonly now?: () => number
}

/** A snapshot of what a backend of a folder does. */
export interface FileBackendStats {
  /** Calls that run. */
  readonly calls: number
  /** Bodies that have been given out and are not read to their end. */
  readonly readers: number
  /** Values put and deleted since opening. */
  readonly puts: number
  readonly deletes: number
  /** Files that a process which died had not completed, and that were removed at opening. */
  readonly leftovers: number
}

/** A folder as a storage backend. */
export interface FileBackend extends StorageBackend {
  /** The folder. */
  readonly path: string
  /** Counts of this moment, frozen. */
  stats(): FileBackendStats
}

/** What was checked of the options. */
export type CheckedOptions = Required<FileBackendOptions>

/**
 * Opens a folder as a storage backend. A key like `a/b.txt` is the file `a/b.txt`, whoever has put it there.
 *
 * @throws TypeError for an option that is unknown or wrong
 * @throws StorageError `STORAGE_NO_CONTAINER` if it is no folder, or is not there and `access` is `read`; `STORAGE_LOCKED`;
 *   `STORAGE_DENIED`; `STORAGE_FULL`; `STORAGE_FAILED`
 */
export async function openFileBackend(options: FileBackendOptions): Promise<FileBackend> {
  const checked = check(options)
  const { disk, path, access } = checked
  return told(async () => {
    if (access === 'read-write') await makeRoot(disk, path)
    if ((await disk.stat(path))?.kind !== 'folder') throw noFolder(path)
    if (access === 'read-write') return openToWrite(checked)
    const tree = new Tree(disk, path, await mixesSpellings(disk, path))
    return new OpenedFileBackend(checked, tree, supportsOf(access), undefined, 0)
  })
}

async function openToWrite(checked: CheckedOptions): Promise<FileBackend> {
  const { disk, path, access } = checked
  const own = await disk.stat(`${path}/${ownFolder}`, { links: 'tell' })
  if (own !== undefined && own.kind !== 'folder') throw noFolder(`${path}/${ownFolder}`)
  await disk.makeFolder(`${path}/${ownFolder}`)
  const tree = new Tree(disk, path, await mixesSpellings(disk, path))
  for (const folder of [tree.temporary, tree.encoded, tree.digests]) await disk.makeFolder(folder)
  const lock = await disk.lock(`${tree.own}/lock`)
  try {
    const leftovers = await sweep(disk, tree.temporary)
    return new OpenedFileBackend(checked, tree, supportsOf(access), lock, leftovers)
  } catch (error) {
    await lock.close()
    throw error
  }
}

/** Whether the disk takes `A` and `a` for one name, as most of macOS and Windows do: found out by a name that is there. */
async function mixesSpellings(disk: Disk, folder: string): Promise<boolean> {
  const names = new Set((await disk.list(folder)).map(({ name }) => name))
  for (const name of names) {
    const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()
    if (other === name) continue
    if (names.has(other)) return false
    const [one, two] = [await disk.stat(`${folder}/${name}`), await disk.stat(`${folder}/${other}`)]
    if (one !== undefined) return one.version === two?.version
  }
  return false
}

async function makeRoot(disk: Disk, path: string): Promise<void> {
  try {
    await disk.makeFolder(path)
  } catch (error) {
    throw error instanceof DiskError && error.code === 'DISK_EXISTS' ? noFolder(path) : error
  }
}

/** Removes what a process that died was writing. Nobody else writes: the lock is held. */
async function sweep(disk: Disk, folder: string): Promise<number> {
  let removed = 0
  for (const { name } of await disk.list(folder)) {
    if (await disk.unlink(`${folder}/${name}`)) removed += 1
  }
  return removed
}

function supportsOf(access: CheckedOptions['access']): Supports {
  const isWritable = access === 'read-write'
  return Object.freeze({
    write: isWritable,
    delete: isWritable,
    list: true,
    ranges: true,
    conditionalPut: true,
    conditionalReplace: true,
    keys: 'any',
  })
}

function check(options: FileBackendOptions): CheckedOptions {
  const {
    path,
    name = 'file',
    failureDomain = `host:${hostname()}`,
    access = 'read-write',
    durability = 'synced',
    disk = nodeDisk(),
    now = Date.now,
    ...unknown
  } = options ?? {}
  const [other] = Object.keys(unknown)
  if (other !== undefined) throw new TypeError(`A backend of a folder has no option ${JSON.stringify(other)}`)
  for (const [key, value] of Object.entries({ path, name, failureDomain })) {
    if (typeof value !== 'string' || value === '') throw new TypeError(`${key} is a text that is not empty`)
  }
  if (access !== 'read-write' && access !== 'read') {
    throw new TypeError(`access is read-write or read, not ${String(access)}`)
  }
  if (durability !== 'synced' && durability !== 'written') {
    throw new TypeError(`durability is synced or written, not ${String(durability)}`)
  }
  return { path: path.replace(/(?<=.)\/+$/, ''), name, failureDomain, access, durability, disk, now }
}

function noFolder(path: string): StorageError {
  return new StorageError('STORAGE_NO_CONTAINER', `There is no folder at ${JSON.stringify(path)}`)
}
