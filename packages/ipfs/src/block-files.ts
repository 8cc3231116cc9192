/** The store of blocks on disk: the ecosystem's file blockstore, made to verify, to deduplicate and to say what went wrong. */
import { existsSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { FsBlockstore } from 'blockstore-fs'
import { NextToLast } from 'blockstore-fs/sharding'
import { base32upper } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { decode as decodeDigest } from 'multiformats/hashes/digest'
import { checkHash, isInline, matches } from './codecs.ts'
import { IpfsError } from './errors.ts'

/** Identity of a block, whatever the version and codec of its CID: the bytes of its multihash as a short string. */
export type BlockKey = string

/** The key of a CID's block. */
export function keyOf(cid: CID): BlockKey {
  return Buffer.from(cid.multihash.bytes).toString('latin1')
}

/** Counts since opening. */
export interface BlockFilesStats {
  readonly blocksRead: number
  readonly blocksWritten: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly corruptReads: number
}

const shardsAtOnce = 32
const filesAtOnce = 64

/** Blocks as files under one folder. Nothing is synced: power loss may take what was written last. */
export class BlockFiles {
  readonly #path: string
  readonly #sharding = new NextToLast()
  readonly #files: FsBlockstore
  readonly #maxBlockBytes: number
  readonly #writing = new Map<BlockKey, Promise<boolean>>()
  readonly #stats = { blocksRead: 0, blocksWritten: 0, bytesRead: 0, bytesWritten: 0, corruptReads: 0 }

  constructor(path: string, maxBlockBytes: number) {
    this.#path = path
    this.#maxBlockBytes = maxBlockBytes
    this.#files = new FsBlockstore(path, { shardingStrategy: this.#sharding })
  }

  /** Makes the folder and removes what an earlier process left half written. */
  async open(): Promise<void> {
    try {
      await this.#files.open()
      for await (const names of this.#shards()) {
        for (const name of names) if (name.endsWith('.tmp')) await rm(join(this.#path, name), { force: true })
      }
    } catch (cause) {
      throw storeError('open the block store', cause)
    }
  }

  /**
   * The bytes of a block, verified.
   *
   * @throws IpfsError IPFS_BLOCK_NOT_FOUND, IPFS_BLOCK_CORRUPT, IPFS_UNKNOWN_HASH, IPFS_STORE_FAILED
   */
  async get(cid: CID, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    if (isInline(cid)) return cid.multihash.digest
    checkHash(cid)
    const bytes = await this.#read(cid)
    if (bytes === undefined) {
      throw new IpfsError(
        'IPFS_BLOCK_NOT_FOUND',
        `The block ${cid} is not here; tried: the local block store. The network is offline`,
      )
    }
    if (!(await matches(cid, bytes))) {
      this.#stats.corruptReads += 1
      throw new IpfsError('IPFS_BLOCK_CORRUPT', `The stored bytes of ${cid} do not match it`)
    }
    signal?.throwIfAborted()
    this.#stats.blocksRead += 1
    this.#stats.bytesRead += bytes.byteLength
    return bytes
  }

  /** Whether a block is stored; its bytes are not looked at. */
  async has(cid: CID): Promise<boolean> {
    return isInline(cid) || (await this.#files.has(cid))
  }

  /** Bytes of a stored block. */
  async size(cid: CID): Promise<number | undefined> {
    if (isInline(cid)) return cid.multihash.digest.byteLength
    try {
      return (await stat(this.#fileOf(cid))).size
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return undefined
      throw storeError(`look up ${cid}`, cause)
    }
  }

  /**
   * Stores a block whose bytes are known to match its CID. One that is there already with the same bytes is left alone;
   * one whose file is damaged is written anew.
   *
   * @returns whether there was no such block before
   * @throws IpfsError IPFS_BLOCK_TOO_LARGE, IPFS_STORE_FULL, IPFS_STORE_FAILED
   */
  async put(cid: CID, bytes: Uint8Array): Promise<boolean> {
    if (isInline(cid)) return false
    if (bytes.byteLength > this.#maxBlockBytes) {
      throw new IpfsError(
        'IPFS_BLOCK_TOO_LARGE',
        `The block ${cid} has ${bytes.byteLength} bytes; at most ${this.#maxBlockBytes} are allowed`,
      )
    }
    // The blockstore writes every block to the same temporary name before renaming it: two writers would tear it.
    const key = keyOf(cid)
    const running = this.#writing.get(key)
    if (running !== undefined) return running
    const writing = this.#write(cid, bytes).finally(() => this.#writing.delete(key))
    this.#writing.set(key, writing)
    return writing
  }

  /** Removes a block; one that is not there is no error. */
  async delete(cid: CID): Promise<void> {
    try {
      await this.#files.delete(cid)
    } catch (cause) {
      throw storeError(`remove ${cid}`, cause)
    }
  }

  /** All stored blocks in no order, with raw version 1 CIDs. What is put or deleted meanwhile may or may not appear. */
  async *list(): AsyncGenerator<{ readonly cid: CID; readonly size: number }, void, undefined> {
    for await (const names of this.#shards()) {
      const files = names.filter((name) => name.endsWith(this.#sharding.extension))
      for (let at = 0; at < files.length; at += filesAtOnce) {
        const cids = files.slice(at, at + filesAtOnce).flatMap((name) => this.#cidOf(name) ?? [])
        const sizes = await Promise.all(cids.map((cid) => this.size(cid)))
        for (const [index, cid] of cids.entries()) {
          const size = sizes[index]
          if (size !== undefined) yield { cid, size }
        }
      }
    }
  }

  stats(): BlockFilesStats {
    return Object.freeze({ ...this.#stats })
  }

  async #write(cid: CID, bytes: Uint8Array): Promise<boolean> {
    // Asked without leaving the thread: most blocks are new, and the way to another thread costs more than the answer.
    const isNew = !existsSync(this.#fileOf(cid))
    if (!isNew) {
      const stored = await this.#read(cid)
      if (stored !== undefined && Buffer.compare(stored, bytes) === 0) return false
    }
    try {
      await this.#files.put(cid, bytes)
    } catch (cause) {
      await rm(temporaryFileOf(this.#fileOf(cid)), { force: true })
      throw storeError(`write ${cid}`, cause)
    }
    this.#stats.blocksWritten += 1
    this.#stats.bytesWritten += bytes.byteLength
    return isNew
  }

  async #read(cid: CID): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = []
    try {
      for await (const chunk of this.#files.get(cid)) chunks.push(chunk)
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return undefined
      throw storeError(`read ${cid}`, cause)
    }
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
  }

  /** The CID of a block by the name of its file; `undefined` for a file that is none of ours. */
  #cidOf(file: string): CID | undefined {
    try {
      const digest = decodeDigest(base32upper.decoder.decode(basename(file, this.#sharding.extension)))
      return CID.createV1(raw.code, digest)
    } catch {
      return undefined
    }
  }

  #fileOf(cid: CID): string {
    const { dir, file } = this.#sharding.encode(cid)
    return join(this.#path, dir, file)
  }

  /** Names of the files of the shards, as paths below the folder; several shards are read at once. */
  async *#shards(): AsyncGenerator<readonly string[], void, undefined> {
    const entries = await readdir(this.#path, { withFileTypes: true })
    const shards = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
    for (let at = 0; at < shards.length; at += shardsAtOnce) {
      const batch = shards.slice(at, at + shardsAtOnce)
      const names = await Promise.all(batch.map((shard) => readdir(join(this.#path, shard))))
      yield batch.flatMap((shard, index) => (names[index] ?? []).map((name) => join(shard, name)))
    }
  }
}

/** The name under which the blockstore's writer prepares a file. */
function temporaryFileOf(file: string): string {
  const at = file.lastIndexOf('/') + 1
  return `${file.slice(0, at)}.${file.slice(at)}.tmp`
}

/** The code of the system call that failed. The blockstore keeps it only in the text of its errors. */
function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code)) return error.code
  return /\b(E[A-Z]{2,})\b/.exec(error.message)?.[1]
}

function storeError(what: string, cause: unknown): IpfsError {
  const code = systemCode(cause)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new IpfsError('IPFS_STORE_FULL', `Could not ${what}: the disk is full (${code})`, { cause })
  }
  return new IpfsError('IPFS_STORE_FAILED', `Could not ${what}: ${code ?? 'unknown failure'}`, { cause })
}
