/**
 * The store of homes of format 1, to read it and to empty it: a file for each block, as blockstore-fs 4 lays them out with
 * its sharding `NextToLast`. A block is `<shard>/<name>.data`: the name is the multihash in upper-case base32, the shard its last two
 * characters. Nothing is ever added here.
 */
import { BlocksError } from '@ipfs-kit/blocks'
import { type Disk, type DiskEntry, DiskError } from '@ipfs-kit/disk'
import type { CID } from 'multiformats/cid'
import { matches } from './codecs.ts'
import { cidOf, mayBeOld, nameOf, shardOf } from './old-names.ts'
import { createPause } from './pause.ts'

/** A stored block without its bytes. */
export interface OldBlock {
  readonly cid: CID
  readonly size: number
}

/** What a shard holds. */
export interface OldShard {
  readonly cids: readonly CID[]
  /** Paths of files that a process that died left half written. */
  readonly leftovers: readonly string[]
}

const shardName = /^[A-Z2-7]{2}$/
const leftoverName = /^\.B[A-Z2-7]+\.data\.tmp$/
const ourName = /^(B[A-Z2-7]+\.data|\.B[A-Z2-7]+\.data\.tmp)$/
/** No version wrote larger blocks than 16 MiB: what is larger is not read into memory. */
const maxFileBytes = 64 * 1024 * 1024
const sizesAtOnce = 64

/** Looks for the old layout in a folder; `undefined` if there is none. Costs one listing. @throws BlocksError BLOCKS_IO */
export async function findOldBlocks(disk: Disk, path: string): Promise<OldBlocks | undefined> {
  const shards = await namesOf(disk, path, 'folder', shardName)
  return shards.length === 0 ? undefined : new OldBlocks(disk, path, shards.toSorted())
}

/** The old store. What the disk refuses is a BlocksError `BLOCKS_IO`. Symbolic links are followed. */
export class OldBlocks {
  readonly #disk: Disk
  readonly #path: string
  readonly #shards: Set<string>
  /** Names of blocks whose files do not hold them, as far as they were read. */
  readonly #damaged = new Set<string>()

  constructor(disk: Disk, path: string, shards: readonly string[]) {
    this.#disk = disk
    this.#path = path
    this.#shards = new Set(shards)
  }

  /** The shards that are left. */
  get shards(): readonly string[] {
    return [...this.#shards]
  }

  /** The verified bytes of a block; `undefined` if it is not here, or damaged. @throws BlocksError BLOCKS_IO */
  async get(cid: CID): Promise<Uint8Array | undefined> {
    const bytes = await this.read(cid)
    return bytes instanceof Uint8Array ? bytes : undefined
  }

  /**
   * The verified bytes of a block; `undefined` if there is no file. What cannot be read, or does not match, is read once more.
   *
   * @throws BlocksError BLOCKS_IO if the file could not be read either time: that says nothing about what it holds
   */
  async read(cid: CID): Promise<Uint8Array | 'damaged' | undefined> {
    const path = this.#fileOf(cid)
    if (path === undefined) return undefined
    let bytes: Uint8Array | undefined
    try {
      bytes = await this.#readFile(path)
    } catch (error) {
      if (!(error instanceof BlocksError)) throw error
      bytes = await this.#readFile(path)
    }
    if (bytes !== undefined && !(await matches(cid, bytes))) {
      bytes = await this.#readFile(path)
      if (bytes !== undefined && !(await matches(cid, bytes))) {
        this.#damaged.add(nameOf(cid))
        return 'damaged'
      }
    }
    if (bytes !== undefined) this.#damaged.delete(nameOf(cid))
    return bytes
  }

  /** Whether the file of a block was found not to hold it, since opening. */
  isDamaged(cid: CID): boolean {
    return this.#damaged.size > 0 && this.#damaged.has(nameOf(cid))
  }

  /**
   * Bytes of a block by its file, unless that was found damaged; an empty file is a block only if the hash is that of
   * nothing.
   */
  async size(cid: CID): Promise<number | undefined> {
    const path = this.#fileOf(cid)
    if (path === undefined || this.isDamaged(cid)) return undefined
    try {
      const found = await this.#disk.stat(path)
      if (found?.kind !== 'file') return undefined
      return found.size > 0 || (await matches(cid, new Uint8Array(0))) ? found.size : undefined
    } catch (cause) {
      throw failure(`look at ${path}`, cause)
    }
  }

  /** All blocks, those that have gone meanwhile left out. */
  async *list(): AsyncGenerator<OldBlock, void, undefined> {
    for (const shard of this.shards) {
      const { cids } = await this.shard(shard)
      for (let at = 0; at < cids.length; at += sizesAtOnce) {
        const some = cids.slice(at, at + sizesAtOnce)
        const sizes = await Promise.all(some.map((cid) => this.size(cid)))
        for (const [index, cid] of some.entries()) {
          const size = sizes[index]
          if (size !== undefined) yield { cid, size }
        }
      }
    }
  }

  /** What a shard holds. Names that are no blocks of ours are left out. */
  async shard(shard: string): Promise<OldShard> {
    const folder = `${this.#path}/${shard}`
    const names = await namesOf(this.#disk, folder, 'file', ourName)
    const cids: CID[] = []
    const leftovers: string[] = []
    const pause = createPause()
    for (const name of names) {
      const cid = cidOf(shard, name)
      if (cid !== undefined) cids.push(cid)
      else if (leftoverName.test(name)) leftovers.push(`${folder}/${name}`)
      const turn = pause()
      if (turn !== undefined) await turn
    }
    return { cids, leftovers }
  }

  /** Removes the file of a block. Whether there was one. */
  async remove(cid: CID): Promise<boolean> {
    const path = this.#fileOf(cid)
    if (path === undefined || !(await this.removeFile(path))) return false
    this.#damaged.delete(nameOf(cid))
    return true
  }

  async removeFile(path: string): Promise<boolean> {
    try {
      return await this.#disk.unlink(path)
    } catch (cause) {
      if (isFolder(cause)) return false
      throw failure(`remove ${path}`, cause)
    }
  }

  /** Moves the file of a damaged block to the folder `damaged`, where it keeps its name. Whether it was there. */
  async setAside(cid: CID): Promise<boolean> {
    const path = this.#fileOf(cid)
    if (path === undefined) return false
    const folder = `${this.#path}/damaged`
    try {
      await this.#disk.makeFolder(folder)
      await this.#disk.rename(path, `${folder}/${nameOf(cid)}`)
      await this.#disk.syncFolder(folder)
      return true
    } catch (cause) {
      if (codeOf(cause) !== 'DISK_NOT_FOUND') throw failure(`move ${path} to ${folder}`, cause)
      return false
    }
  }

  /** Removes the folder of a shard, or the link to it, if it is empty; otherwise it stays, with what is not ours in it. */
  async removeShard(shard: string): Promise<void> {
    const folder = `${this.#path}/${shard}`
    try {
      const isGone = await this.#disk.removeFolder(folder)
      if (!isGone && (await entriesOf(this.#disk, folder)).length === 0) await this.#disk.unlink(folder)
      this.#shards.delete(shard)
    } catch (cause) {
      if (codeOf(cause) !== 'DISK_EXISTS') throw failure(`remove ${folder}`, cause)
    }
  }

  /** The shard that a block would be in. */
  shardOf(cid: CID): string {
    return shardOf(nameOf(cid))
  }

  /** Makes the removal of shards survive a power loss. */
  async sync(): Promise<void> {
    try {
      await this.#disk.syncFolder(this.#path)
    } catch (cause) {
      throw failure(`sync ${this.#path}`, cause)
    }
  }

  /** What is in a file; nothing of one that no version wrote; `undefined` if there is none. */
  async #readFile(path: string): Promise<Uint8Array | undefined> {
    try {
      const file = await this.#disk.open(path, 'read')
      try {
        const size = await file.size()
        const bytes = new Uint8Array(size > maxFileBytes ? 0 : size)
        return bytes.subarray(0, await file.read(bytes, 0))
      } finally {
        await file.close()
      }
    } catch (cause) {
      if (codeOf(cause) === 'DISK_NOT_FOUND' || isFolder(cause)) return undefined
      throw failure(`read ${path}`, cause)
    }
  }

  /** `undefined` for a block that cannot be here. */
  #fileOf(cid: CID): string | undefined {
    if (!mayBeOld(cid)) return undefined
    const name = nameOf(cid)
    const shard = shardOf(name)
    return this.#shards.has(shard) ? `${this.#path}/${shard}/${name}` : undefined
  }
}

/** What the disk refuses to do with one file stops no other: it is told, and the file is left. */
export async function orLeft<T>(
  work: () => Promise<T>,
  left: (error: BlocksError) => void,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof BlocksError)) throw error
    left(error)
    return undefined
  }
}

async function entriesOf(disk: Disk, path: string): ReturnType<Disk['list']> {
  try {
    return await disk.list(path)
  } catch (cause) {
    if (codeOf(cause) === 'DISK_NOT_FOUND') return []
    throw failure(`list ${path}`, cause)
  }
}

/** The files or folders among the entries of a folder that have such a name. Links count as what they lead to. */
async function namesOf(disk: Disk, path: string, kind: DiskEntry['kind'], like: RegExp): Promise<string[]> {
  const names: string[] = []
  for (const entry of await entriesOf(disk, path)) {
    if (!like.test(entry.name)) continue
    if (
      entry.kind === kind ||
      (entry.kind === 'other' && (await leadsTo(disk, `${path}/${entry.name}`, kind)))
    )
      names.push(entry.name)
  }
  return names
}

/** Whether a link leads to such an entry. One that cannot be followed may: whoever uses it learns why. */
async function leadsTo(disk: Disk, path: string, kind: DiskEntry['kind']): Promise<boolean> {
  try {
    return (await disk.stat(path))?.kind === kind
  } catch (cause) {
    if (cause instanceof DiskError) return true
    throw cause
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof DiskError ? error.code : undefined
}

/** Whether it was refused because there is a folder: one under the name of a block is none. */
function isFolder(error: unknown): boolean {
  return error instanceof DiskError && error.systemCode === 'EISDIR'
}

/** What the disk refuses; every other error as it is. */
function failure(what: string, cause: unknown): unknown {
  if (!(cause instanceof DiskError)) return cause
  const isFull = codeOf(cause) === 'DISK_FULL'
  return new BlocksError(isFull ? 'BLOCKS_FULL' : 'BLOCKS_IO', `Could not ${what}: ${cause.message}`, {
    cause,
  })
}
