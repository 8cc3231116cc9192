/** An open folder: the calls of a storage backend, put together from its parts. */
import { createKeyedLock, map, shield } from '@ipfs-kit/concurrency'
import { type Disk, DiskError, type DiskFile, type DiskLock } from '@ipfs-kit/disk'
import {
  type Body,
  type CallOptions,
  checkCondition,
  type CheckedPut,
  checkGet,
  checkKey,
  checkList,
  checkPut,
  cursorOf,
  type GetOptions,
  keyOfCursor,
  type ListOptions,
  type ListPage,
  type ObjectStat,
  type ProbeReport,
  probeByRoundTrip,
  type PutOptions,
  StorageError,
  type StoredObject,
  type Supports,
  takeIn,
  type Wanted,
  windowOf,
} from '@ipfs-kit/storage'
import { Digests } from './digests.ts'
import { FileBody } from './file-body.ts'
import { firstKeys, type Listed } from './listing.ts'
import type { CheckedOptions, FileBackend, FileBackendStats } from './open-file-backend.ts'
import { type Staged, StagedFile } from './staged-file.ts'
import { told } from './told.ts'
import { type Found, isInTheWay, type Place, type Tree } from './tree.ts'

/** Entries of a page that are looked at at once. */
const looksAtOnce = 16
/** How often a file may be replaced between a look at it and its opening. */
const maxTries = 100

export class OpenedFileBackend implements FileBackend {
  readonly path: string
  readonly name: string
  readonly failureDomain: string
  readonly supports: Supports
  readonly #disk: Disk
  readonly #tree: Tree
  readonly #digests: Digests
  readonly #lock: DiskLock | undefined
  readonly #isSynced: boolean
  readonly #now: () => number
  readonly #locks = createKeyedLock<string>({ name: 'keys of a folder' })
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  /** Files of bodies that have ended, until they are closed. */
  readonly #endings = new Set<Promise<void>>()
  readonly #leftovers: number
  #closed: Promise<void> | undefined
  #lastMs = 0
  #staged = 0
  #readers = 0
  #puts = 0
  #deletes = 0

  constructor(
    options: CheckedOptions,
    tree: Tree,
    supports: Supports,
    lock: DiskLock | undefined,
    leftovers: number,
  ) {
    this.path = options.path
    this.name = options.name
    this.failureDomain = options.failureDomain
    this.supports = supports
    this.#disk = options.disk
    this.#tree = tree
    this.#digests = new Digests(options.disk, tree)
    this.#lock = lock
    this.#isSynced = options.durability === 'synced'
    this.#now = options.now
    this.#leftovers = leftovers
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectStat> {
    const signal = this.#enter(options)
    this.#mustSupport('write')
    checkKey(key)
    const checked = checkPut(options, this.supports)
    return this.#run(async () => {
      if (checked.ifAbsent || checked.ifVersion !== undefined) {
        checkCondition(key, checked, versionOf(await this.#tree.find(key)))
      }
      if (checked.size !== undefined) await this.#mustHaveRoom(checked.size)
      const staged = await this.#stage(body, checked.size, signal)
      try {
        using _turn = await this.#locks.acquire(key, { signal })
        signal.throwIfAborted()
        return await shield(() => this.#commit(key, staged, checked))
      } catch (error) {
        await discard(() => this.#disk.unlink(staged.path))
        throw error
      }
    })
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const signal = this.#enter(options)
    checkKey(key)
    const wanted = checkGet(options)
    return this.#run(async () => {
      const opened = await this.#open(key)
      if (opened === undefined) return undefined
      try {
        return await this.#objectOf(key, opened, wanted, signal)
      } catch (error) {
        await shield(() => opened.file.close())
        throw error
      }
    })
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    const signal = this.#enter(options)
    checkKey(key)
    return this.#run(async () => {
      const found = await this.#tree.find(key)
      if (found === undefined) return undefined
      const sha256 = await this.#digests.of(key, found.stat.version)
      signal.throwIfAborted()
      return statOf(key, found.stat, sha256)
    })
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const signal = this.#enter(options)
    this.#mustSupport('delete')
    checkKey(key)
    await this.#run(async () => {
      using _turn = await this.#locks.acquire(key, { signal })
      signal.throwIfAborted()
      await shield(() => this.#delete(key))
    })
  }

  async list(options: ListOptions = {}): Promise<ListPage> {
    const signal = this.#enter(options)
    const { prefix, limit } = checkList(options)
    const { cursor } = options
    const after = cursor === undefined ? undefined : keyOfCursor(cursor, prefix)
    return this.#run(async () => {
      const found = await firstKeys(this.#disk, this.#tree, { prefix, after, signal }, limit + 1)
      const page = found.slice(0, limit)
      const looks = await map(page, (one) => this.#look(one), { concurrency: looksAtOnce })
      signal.throwIfAborted()
      const entries = looks.filter((entry) => entry !== undefined)
      const last = page.at(-1)
      return found.length > limit && last !== undefined
        ? { entries, cursor: cursorOf(last.key) }
        : { entries }
    })
  }

  async probe(options: CallOptions = {}): Promise<ProbeReport> {
    return probeByRoundTrip(this, options)
  }

  stats(): FileBackendStats {
    return Object.freeze({
      calls: this.#running.size,
      readers: this.#readers,
      puts: this.#puts,
      deletes: this.#deletes,
      leftovers: this.#leftovers,
    })
  }

  close(): Promise<void> {
    return (this.#closed ??= shield(() => this.#close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#closing.abort(closed(this.name))
    // waits: each call tells its own caller how it went.
    await Promise.allSettled(this.#running)
    // waits: a file that was only read has nothing to lose.
    await Promise.allSettled(this.#endings)
    if (this.#lock !== undefined) await told(() => this.#lock!.close())
  }

  /** Begins a call, or refuses it when it is too late. Gives the signal that ends it. */
  #enter({ signal }: CallOptions): AbortSignal {
    this.#closing.signal.throwIfAborted()
    signal?.throwIfAborted()
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    const running = told(work)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  #mustSupport(ability: 'write' | 'delete'): void {
    if (this.supports[ability]) return
    throw new StorageError(
      'STORAGE_NOT_SUPPORTED',
      `The folder ${JSON.stringify(this.path)} is open to read only`,
    )
  }

  async #mustHaveRoom(size: number): Promise<void> {
    const { freeBytes } = await this.#disk.freeSpace(this.path)
    if (size <= freeBytes) return
    throw new StorageError('STORAGE_FULL', `${size} bytes do not fit: the volume has ${freeBytes} left`)
  }

  /** Takes a body in, to a file that is not listed. */
  async #stage(body: Body, size: number | undefined, signal: AbortSignal): Promise<Staged> {
    this.#staged += 1
    const file = await StagedFile.create(this.#disk, `${this.#tree.temporary}/value-${this.#staged}`)
    try {
      await takeIn(body, signal, (piece) => file.take(piece), size)
      return await shield(() => file.end(this.#stamp(), this.#isSynced))
    } catch (error) {
      await discard(() => file.abandon())
      throw error
    }
  }

  /** Lets a value that has come be that of its key, under the lock of the key. */
  async #commit(key: string, { path, stat, sha256 }: Staged, condition: CheckedPut): Promise<ObjectStat> {
    const former = await this.#tree.find(key)
    checkCondition(key, condition, versionOf(former))
    await this.#digests.note(key, sha256, stat.version, former?.stat.version)
    const place = await this.#tree.place(key)
    try {
      await this.#move(path, place)
    } catch (error) {
      if (!place.isPath || !isInTheWay(error)) throw error
      await this.#move(path, this.#tree.encodedPlace(key))
    }
    // Where a key has both, its path counts; so the other one is of no use any more.
    if (place.isPath && former?.isPath === false) await this.#unlink(former)
    this.#puts += 1
    return statOf(key, stat, sha256)
  }

  async #move(path: string, place: Place): Promise<void> {
    await this.#tree.move(path, place)
    if (!this.#isSynced) return
    // Until both are synced, either of the names may be there after a power loss.
    await this.#disk.syncFolder(place.folder)
    await this.#disk.syncFolder(this.#tree.temporary)
  }

  async #delete(key: string): Promise<void> {
    // What is under an encoded name would be the value again if it went last.
    await this.#unlink(this.#tree.encodedPlace(key))
    const found = await this.#tree.find(key)
    if (found !== undefined) await this.#unlink(found)
    await this.#digests.drop(key)
    this.#deletes += 1
  }

  async #unlink({ path, folder }: Place): Promise<void> {
    const wasThere = await this.#disk.unlink(path)
    if (wasThere && this.#isSynced) await this.#disk.syncFolder(folder)
  }

  /** Opens the value of a key, and no other file that takes its place meanwhile. */
  async #open(key: string): Promise<{ readonly file: DiskFile; readonly found: Found } | undefined> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const found = await this.#tree.find(key)
      if (found === undefined) return undefined
      const file = await openIfThere(this.#disk, found.path)
      if (file === undefined) continue
      if ((await file.stat()).version === found.stat.version) return { file, found }
      await file.close()
    }
    throw new StorageError('STORAGE_CHANGED', `The file of ${JSON.stringify(key)} is replaced all the time`)
  }

  async #objectOf(
    key: string,
    { file, found: { stat } }: { readonly file: DiskFile; readonly found: Found },
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<StoredObject> {
    const { from, to } = windowOf(wanted, stat.size)
    const sha256 = await this.#digests.of(key, stat.version)
    signal.throwIfAborted()
    this.#readers += 1
    const body = new FileBody({
      ...{ key, file, from, to, signal },
      version: stat.version,
      sha256: to - from === stat.size ? sha256 : undefined,
      onEnd: (closing) => {
        this.#readers -= 1
        this.#endings.add(closing)
        const forget = (): unknown => this.#endings.delete(closing)
        // waits: close() does, for what is in the set.
        closing.then(forget, forget)
      },
    })
    if (from === to) await body.ended()
    return { ...statOf(key, stat, sha256), offset: from, length: to - from, body }
  }

  /** What a list tells of a file, if it is still there. */
  async #look({ key, path }: Listed): Promise<ObjectStat | undefined> {
    const stat = await this.#disk.stat(path, { links: 'tell' })
    return stat?.kind === 'file' ? statOf(key, stat, undefined) : undefined
  }

  /** A time of its own for each value: with it files of one size in one place of the disk have different versions. */
  #stamp(): number {
    this.#lastMs = Math.max(this.#now(), this.#lastMs + 0.001)
    return this.#lastMs
  }
}

async function openIfThere(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path, 'read')
  } catch (error) {
    const isGone =
      error instanceof DiskError && (error.code === 'DISK_NOT_FOUND' || error.systemCode === 'EISDIR')
    if (isGone) return undefined
    throw error
  }
}

/** Removes what did not become a value. */
async function discard(work: () => Promise<unknown>): Promise<void> {
  try {
    await shield(work)
  } catch {
    // waits: the call has its failure already, and what is left is removed at the next opening.
  }
}

function versionOf(found: Found | undefined): { readonly version: string } | undefined {
  return found && { version: found.stat.version }
}

function statOf(key: string, stat: Found['stat'], sha256: string | undefined): ObjectStat {
  const { size, version, modifiedMs } = stat
  return { key, size, version, modifiedMs, sha256 }
}

function closed(name: string): StorageError {
  return new StorageError('STORAGE_CLOSED', `The backend ${JSON.stringify(name)} is closed`)
}
