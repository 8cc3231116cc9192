/** The blocks of the node: the pack store with the node's errors, and its limit on the size of a block. */
import type {
  Blocks,
  BlocksStats,
  CollectOptions,
  CollectReport,
  Lease as PackLease,
  Listed,
  Stream,
} from '@ipfs-kit/blocks'
import { run, type Scope } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { type BlockCache, directly, type LinksOf } from './block-cache.ts'
import { checkHash, isInline } from './codecs.ts'
import { IpfsError } from './errors.ts'
import type { CallOptions } from './ipfs.ts'
import { storeFailure } from './store-failure.ts'

/**
 * Blocks held for one add, import, pin or export. Order of a durable write: put or hold, `flush`, record the pin, answer,
 * `close`. What no pin reaches when its last lease closes is cache from then on.
 */
export interface Lease extends Disposable {
  /**
   * Holds a block and stores it, if it is not there. The bytes must match the CID: a wrong one is never answered.
   *
   * @throws IpfsError IPFS_BLOCK_TOO_LARGE, IPFS_STORE_FULL, IPFS_STORE_FAILED, IPFS_CLOSED
   */
  put(cid: CID, bytes: Uint8Array): Promise<void>
  /** Holds those blocks that are there. Resolves to the first that is not; a damaged one is not. */
  hold(...cids: readonly CID[]): Promise<CID | undefined>
  /** Makes all its blocks survive a power loss. Nothing to do in the stream `cache`. */
  flush(options?: CallOptions): Promise<void>
  /** Ends it. Idempotent. */
  close(): void
}

/** Reads the blocks of a DAG one after the other, as {@link BlockStore.get} does. */
export interface StoreReader extends AsyncDisposable {
  get(cid: CID, signal?: AbortSignal): Promise<Uint8Array>
  /** A block that whoever reads has already. */
  pass(cid: CID, bytes: Uint8Array): void
}

/** What {@link BlockStore} is made of. */
export interface BlockStoreParts {
  readonly packs: Blocks
  /** Where reads come from. Default: the packs. */
  readonly cache?: BlockCache
  readonly maxBlockBytes: number
  /** Where puts wait that are begun in one step of an add and awaited in another. */
  readonly scope: Scope
}

/** The blocks of a node. */
export class BlockStore {
  readonly #packs: Blocks
  readonly #cache: BlockCache
  readonly #maxBlockBytes: number
  readonly #scope: Scope

  constructor({ packs, cache = directly(packs), maxBlockBytes, scope }: BlockStoreParts) {
    this.#packs = packs
    this.#cache = cache
    this.#maxBlockBytes = maxBlockBytes
    this.#scope = scope
  }

  /**
   * The bytes of a block, verified.
   *
   * @throws IpfsError IPFS_BLOCK_NOT_FOUND, IPFS_BLOCK_CORRUPT, IPFS_UNKNOWN_HASH, IPFS_STORE_FAILED
   */
  get(cid: CID, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#read(this.#cache, cid, signal)
  }

  /** The same from the packs themselves: what is nearer only says nothing of what is kept. */
  getStored(cid: CID, signal: AbortSignal): Promise<Uint8Array> {
    return this.#read(this.#packs, cid, signal)
  }

  /**
   * A reader of one DAG, which may read ahead in tasks of the node; to be disposed of.
   *
   * @param linksOf - the links that it will follow, in their order
   */
  reader(linksOf: LinksOf): StoreReader {
    const reader = this.#cache.reader(this.#scope, linksOf)
    return {
      get: (cid, signal) => this.#read(reader, cid, signal),
      pass: (cid, bytes) => reader.pass(cid, bytes),
      [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
    }
  }

  /** Whether a block is stored; its bytes are not looked at. */
  async has(cid: CID): Promise<boolean> {
    if (isInline(cid)) return true
    try {
      return (await this.#cache.size(cid)) !== undefined
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** Bytes of a stored block. */
  async size(cid: CID): Promise<number | undefined> {
    if (isInline(cid)) return cid.multihash.digest.byteLength
    try {
      return await this.#cache.size(cid)
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** Opens a lease. `kept`: for what a pin will claim, durable after a flush. `cache`: for readers, and what nobody will pin. */
  lease(name: string, stream: Stream): Lease {
    try {
      return new StoreLease(this.#packs.lease({ name, stream }), this.#maxBlockBytes, this.#scope)
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** Stores a block whose bytes match its CID in the cache. */
  async put(cid: CID, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    if (isInline(cid)) return
    checkSize(cid, bytes, this.#maxBlockBytes)
    try {
      await this.#packs.put(cid, bytes, { verify: 'on-read', signal })
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** Removes a block unless a lease holds it. */
  async delete(cid: CID, signal: AbortSignal): Promise<void> {
    try {
      await this.#packs.delete(cid, { signal })
      this.#cache.forget(cid)
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** All stored blocks in no order, with raw version 1 CIDs. What is put or deleted meanwhile may or may not appear. */
  async *list(signal: AbortSignal): AsyncGenerator<Listed, void, undefined> {
    try {
      yield* this.#packs.list({ signal })
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /**
   * Removes what no pin reaches and no lease holds. Those who call while one runs share the next.
   *
   * @throws IpfsError IPFS_GC_INCOMPLETE, IPFS_STORE_FULL, IPFS_STORE_FAILED
   */
  async collect(options: CollectOptions): Promise<CollectReport> {
    try {
      const report = await this.#packs.collect(options)
      if (report.removedBlocks > 0) this.#cache.forget()
      return report
    } catch (error) {
      throw storeFailure(error)
    }
  }

  stats(): BlocksStats {
    return this.#packs.stats()
  }

  async #read(from: Pick<Blocks, 'get'>, cid: CID, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    if (isInline(cid)) return cid.multihash.digest
    checkHash(cid)
    try {
      const options = callOptions(signal)
      // What is nearer may be slow to leave a read.
      const bytes = await run(from.get(cid, options), options)
      if (bytes !== undefined) return bytes
      throw await this.#missing(cid)
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** Why there is no answer to a read. */
  async #missing(cid: CID): Promise<IpfsError> {
    const { state } = await this.#packs.explain(cid)
    if (state === 'damaged') {
      return new IpfsError('IPFS_BLOCK_CORRUPT', `The stored bytes of ${cid} do not match it`)
    }
    return new IpfsError(
      'IPFS_BLOCK_NOT_FOUND',
      `The block ${cid} is not here; tried: the local block store. The network is offline`,
    )
  }
}

class StoreLease implements Lease {
  readonly #lease: PackLease
  readonly #maxBlockBytes: number
  readonly #scope: Scope

  constructor(lease: PackLease, maxBlockBytes: number, scope: Scope) {
    this.#lease = lease
    this.#maxBlockBytes = maxBlockBytes
    this.#scope = scope
  }

  async put(cid: CID, bytes: Uint8Array): Promise<void> {
    if (isInline(cid)) return
    checkSize(cid, bytes, this.#maxBlockBytes)
    try {
      await this.#lease.put(cid, bytes, { verify: 'on-read', scope: this.#scope })
    } catch (error) {
      throw storeFailure(error)
    }
  }

  async hold(...cids: readonly CID[]): Promise<CID | undefined> {
    try {
      const held = await Promise.all(cids.map((cid) => this.#lease.hold(cid)))
      const missing = held.indexOf(false)
      return missing === -1 ? undefined : cids[missing]
    } catch (error) {
      throw storeFailure(error)
    }
  }

  async flush(options?: CallOptions): Promise<void> {
    try {
      await this.#lease.flush(options)
    } catch (error) {
      throw storeFailure(error)
    }
  }

  close(): void {
    this.#lease.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function callOptions(signal: AbortSignal | undefined): CallOptions {
  return signal === undefined ? {} : { signal }
}

function checkSize(cid: CID, bytes: Uint8Array, maxBlockBytes: number): void {
  if (bytes.byteLength <= maxBlockBytes) return
  throw new IpfsError(
    'IPFS_BLOCK_TOO_LARGE',
    `The block ${cid} has ${bytes.byteLength} bytes; at most ${maxBlockBytes} are allowed`,
  )
}
