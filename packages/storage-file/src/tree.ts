/** Where the values of keys are: as files of the user's folder, or under encoded names where a key is no path in it. */
import { type Disk, DiskError, type DiskStat } from '@ipfs-kit/disk'
import { encodedPath, isPath, ownFolder } from './key-names.ts'

/** A file that has the value of a key. */
export interface Place {
  readonly path: string
  /** The folder in which its name is. */
  readonly folder: string
  /** Whether the key is its path. */
  readonly isPath: boolean
}

/** A value that is there. */
export interface Found extends Place {
  readonly stat: DiskStat
}

/** Folders of which it is remembered that they are there. */
const maxKnownFolders = 10_000

export class Tree {
  readonly root: string
  readonly own: string
  /** Files that are being written. */
  readonly temporary: string
  /** Values of keys that are no paths. */
  readonly encoded: string
  readonly digests: string
  readonly #disk: Disk
  /** Whether this disk takes two spellings for one name, as those of macOS and Windows do. */
  readonly #mixesSpellings: boolean
  readonly #knownFolders = new Set<string>()

  constructor(disk: Disk, root: string, mixesSpellings: boolean) {
    this.#disk = disk
    this.root = root
    this.own = `${root}/${ownFolder}`
    this.temporary = `${this.own}/temporary`
    this.encoded = `${this.own}/keys`
    this.digests = `${this.own}/digests`
    this.#mixesSpellings = mixesSpellings
  }

  /** The value of a key. A symbolic link has none, nor has what is behind one. */
  async find(key: string): Promise<Found | undefined> {
    return (await this.#findPath(key)) ?? this.#findEncoded(key)
  }

  /**
   * Where a new value of a key goes: where the former one is, or its path, unless a file is where a folder would have to be,
   * or the other way round.
   */
  async place(key: string): Promise<Place> {
    const isFree = isPath(key) && (await this.#isFree(key))
    return isFree ? placeOf(`${this.root}/${key}`, true) : this.encodedPlace(key)
  }

  /** The place of a key under encoded names. */
  encodedPlace(key: string): Place {
    return placeOf(`${this.encoded}/${encodedPath(key)}`, false)
  }

  /** Lets a file have a name. The folder of it is made if it is not there. */
  async move(from: string, { path, folder }: Pick<Place, 'path' | 'folder'>): Promise<void> {
    await this.#makeFolder(folder)
    try {
      await this.#disk.rename(from, path)
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'DISK_NOT_FOUND') throw error
      // Somebody has removed the folder since.
      this.#knownFolders.clear()
      await this.#makeFolder(folder)
      await this.#disk.rename(from, path)
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    if (folder === this.root || this.#knownFolders.has(folder)) return
    await this.#disk.makeFolder(folder)
    if (this.#knownFolders.size >= maxKnownFolders) this.#knownFolders.clear()
    this.#knownFolders.add(folder)
  }

  async #findPath(key: string): Promise<Found | undefined> {
    if (!isPath(key)) return undefined
    // From above: what is behind a link is not even looked at.
    for (const { path, folder, name, isLast } of this.#steps(key)) {
      const stat = await this.#look(path)
      if (stat?.kind !== (isLast ? 'file' : 'folder')) return undefined
      if (!(await this.#isSpelled(folder, name))) return undefined
      if (isLast) return { ...placeOf(path, true), stat }
    }
    return undefined
  }

  async #findEncoded(key: string): Promise<Found | undefined> {
    const place = this.encodedPlace(key)
    const stat = await this.#look(place.path)
    return stat?.kind === 'file' ? { ...place, stat } : undefined
  }

  /** Whether a file can be at a path. */
  async #isFree(key: string): Promise<boolean> {
    for (const { path, folder, name, isLast } of this.#steps(key)) {
      const stat = await this.#look(path)
      if (stat === undefined) return true
      if (stat.kind !== (isLast ? 'file' : 'folder') || !(await this.#isSpelled(folder, name))) return false
    }
    return true
  }

  *#steps(key: string): Generator<{ path: string; folder: string; name: string; isLast: boolean }> {
    const names = key.split('/')
    let folder = this.root
    for (const [at, name] of names.entries()) {
      const path = `${folder}/${name}`
      yield { path, folder, name, isLast: at === names.length - 1 }
      folder = path
    }
  }

  async #isSpelled(folder: string, name: string): Promise<boolean> {
    if (!this.#mixesSpellings) return true
    return (await this.#disk.list(folder)).some((entry) => entry.name === name)
  }

  #look(path: string): Promise<DiskStat | undefined> {
    return this.#disk.stat(path, { links: 'tell' })
  }
}

/** Whether a file could not have a name because something else has come to be in its way. */
export function isInTheWay(error: unknown): boolean {
  if (!(error instanceof DiskError)) return false
  const { code, systemCode } = error
  return code === 'DISK_EXISTS' || systemCode === 'ENOTDIR' || systemCode === 'EISDIR'
}

function placeOf(path: string, isPath: boolean): Place {
  return { path, folder: path.slice(0, path.lastIndexOf('/')), isPath }
}
