/**
 * The store of homes of format 1, to read it and to empty it: a file for each block, as blockstore-fs 4 lays them out with
 * its sharding `NextToLast`. A block is `<shard>/<name>.data`: the name is the multihash in upper-case base32, the shard its last two
 * characters. Nothing is ever added here.
 */
import { BlocksError } from '@ipfs-kit/blocks'
import { type Disk, DiskError } from '@ipfs-kit/disk'
import { base32upper } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { decode as decodeDigest } from 'multiformats/hashes/digest'
import { matches } from './codecs.ts'

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
const blockName = /^B[A-Z2-7]+\.data$/
const leftoverName = /^\.B[A-Z2-7]+\.data\.tmp$/
/** Bytes of a digest by the code of its function: those that can be verified. */
const digestBytes: Readonly<Record<number, number>> = { 0x12: 32, 0x13: 64 }
/** No version wrote larger blocks than 16 MiB: what is larger is not read into memory. */
const maxFileBytes = 64 * 1024 * 1024
const sizesAtOnce = 64

/** Looks for the old layout in a folder; `undefined` if there is none. Costs one listing. @throws BlocksError BLOCKS_IO */
export async function findOldBlocks(disk: Disk, path: string): Promise<OldBlocks | undefined> {
  const entries = await entriesOf(disk, path)
  const shards = entries.filter(({ kind, name }) => kind === 'folder' && shardName.test(name))
  return shards.length === 0
    ? undefined
    : new OldBlocks(disk, path, shards.map(({ name }) => name).toSorted())
}

/** The old store. What the disk refuses is a BlocksError `BLOCKS_IO`. */
export class OldBlocks {
  readonly #disk: Disk
  readonly #path: string
  readonly #shards: Set<string>

  constructor(disk: Disk, path: string, shards: readonly string[]) {
    this.#disk = disk
    this.#path = path
    this.#shards = new Set(shards)
  }

  /** The shards that are left. */
  get shards(): readonly string[] {
    return [...this.#shards]
  }

  /** The verified bytes of a block; `undefined` if it is not here, or damaged. */
  async get(cid: CID): Promise<Uint8Array | undefined> {
    const bytes = await this.read(cid)
    return bytes instanceof Uint8Array && (await matches(cid, bytes)) ? bytes : undefined
  }

  /** What is in the file of a block, unverified; `undefined` if there is none. */
  async read(cid: CID): Promise<Uint8Array | 'unreadable' | undefined> {
    const path = this.#fileOf(cid)
    if (path === undefined) return undefined
    try {
      const file = await this.#disk.open(path, 'read')
      try {
        const size = await file.size()
        if (size > maxFileBytes) return 'unreadable'
        const bytes = new Uint8Array(size)
        return bytes.subarray(0, await file.read(bytes, 0))
      } finally {
        await file.close()
      }
    } catch (cause) {
      if (codeOf(cause) === 'DISK_NOT_FOUND') return undefined
      if (codeOf(cause) === 'DISK_IO') return 'unreadable'
      throw failure(`read ${path}`, cause)
    }
  }

  /** Bytes of a block by its file; an empty file is a block only if the hash is that of nothing. */
  async size(cid: CID): Promise<number | undefined> {
    const path = this.#fileOf(cid)
    if (path === undefined) return undefined
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
    const names = (await entriesOf(this.#disk, folder)).flatMap(({ kind, name }) =>
      kind === 'file' ? [name] : [],
    )
    return {
      cids: names.flatMap((name) => cidOf(shard, name) ?? []),
      leftovers: names.filter((name) => leftoverName.test(name)).map((name) => `${folder}/${name}`),
    }
  }

  /** Removes the file of a block. Whether there was one. */
  async remove(cid: CID): Promise<boolean> {
    const path = this.#fileOf(cid)
    return path !== undefined && (await this.removeFile(path))
  }

  async removeFile(path: string): Promise<boolean> {
    try {
      return await this.#disk.unlink(path)
    } catch (cause) {
      throw failure(`remove ${path}`, cause)
    }
  }

  /** Moves the file of a damaged block to the folder `damaged`, where it keeps its name. */
  async setAside(cid: CID): Promise<void> {
    const path = this.#fileOf(cid)
    if (path === undefined) return
    const folder = `${this.#path}/damaged`
    try {
      await this.#disk.makeFolder(folder)
      await this.#disk.rename(path, `${folder}/${nameOf(cid)}`)
      await this.#disk.syncFolder(folder)
    } catch (cause) {
      if (codeOf(cause) !== 'DISK_NOT_FOUND') throw failure(`move ${path} to ${folder}`, cause)
    }
  }

  /** Removes the folder of a shard if it is empty; otherwise it stays, with what is not ours in it. */
  async removeShard(shard: string): Promise<void> {
    try {
      await this.#disk.removeFolder(`${this.#path}/${shard}`)
      this.#shards.delete(shard)
    } catch (cause) {
      if (codeOf(cause) !== 'DISK_EXISTS') throw failure(`remove ${this.#path}/${shard}`, cause)
    }
  }

  /** Makes the removal of shards survive a power loss. */
  async sync(): Promise<void> {
    try {
      await this.#disk.syncFolder(this.#path)
    } catch (cause) {
      throw failure(`sync ${this.#path}`, cause)
    }
  }

  /** `undefined` for a block that cannot be here. */
  #fileOf(cid: CID): string | undefined {
    const { code, digest } = cid.multihash
    if (digestBytes[code] !== digest.length) return undefined
    const name = nameOf(cid)
    const shard = shardOf(name)
    return this.#shards.has(shard) ? `${this.#path}/${shard}/${name}` : undefined
  }
}

function nameOf(cid: CID): string {
  return `${base32upper.encoder.encode(cid.multihash.bytes)}.data`
}

function shardOf(name: string): string {
  return name.slice(-'xx.data'.length, -'.data'.length)
}

/** The CID of a block by the name of its file; `undefined` for a file that is none of ours. */
function cidOf(shard: string, name: string): CID | undefined {
  if (!blockName.test(name) || shardOf(name) !== shard) return undefined
  try {
    const digest = decodeDigest(base32upper.decoder.decode(name.slice(0, -'.data'.length)))
    const cid = CID.createV1(raw.code, digest)
    return digestBytes[digest.code] === digest.digest.length && nameOf(cid) === name ? cid : undefined
  } catch {
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

function codeOf(error: unknown): string | undefined {
  return error instanceof DiskError ? error.code : undefined
}

function failure(what: string, cause: unknown): BlocksError {
  const isFull = codeOf(cause) === 'DISK_FULL'
  const message = cause instanceof Error ? cause.message : String(cause)
  return new BlocksError(isFull ? 'BLOCKS_FULL' : 'BLOCKS_IO', `Could not ${what}: ${message}`, { cause })
}
