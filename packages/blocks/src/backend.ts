/** The store as a storage backend whose keys are CIDs. */
import {
  type Arrivals,
  type Body,
  type CallOptions,
  checkCount,
  checkGet,
  checkList,
  checkPut,
  createArrivals,
  cursorOf,
  gather,
  type GetOptions,
  keyOfCursor,
  type ListOptions,
  type ListPage,
  type ObjectStat,
  onePiece,
  type ProbeReport,
  probeByRoundTrip,
  type PutOptions,
  type StorageBackend,
  StorageError,
  type StoredObject,
  type Supports,
  windowOf,
} from '@ipfs-kit/storage'
import type { CID } from 'multiformats/cid'
import { keyOfBlock, keyOfBytes, parseKey, sha256Code } from './backend-key.ts'
import type { Blocks } from './blocks.ts'
import { BlocksError } from './errors.ts'
import { KeyWindows } from './key-windows.ts'
import { PutGate } from './put-gate.ts'
import { told } from './told.ts'

/** Options of {@link createBlocksBackend}. */
export interface BlocksBackendOptions {
  /** How people call it. Default `blocks`. */
  readonly name?: string
  /** What fails together with it: the volume, or the machine. */
  readonly failureDomain: string
  /**
   * `synced`: an acknowledged put is in a kept pack, and survives a power loss. The default.
   * `cached`: it is in a cache pack, and is dropped when room is needed.
   */
  readonly durability?: 'synced' | 'cached'
  /** Bytes of an object that is put. Default 67,108,864 (64 MiB). The limit of the store holds besides. */
  readonly maxValueBytes?: number
  /** Bytes that all bodies which arrive may take in memory together. Default 268,435,456 (256 MiB). */
  readonly maxArrivingBytes?: number
}

/** The calls of a store that a backend makes. */
export type BackendBlocks = Pick<
  Blocks,
  'put' | 'get' | 'getRange' | 'has' | 'size' | 'delete' | 'list' | 'lease'
>

/** A storage backend on a store of blocks. */
export interface BlocksBackend extends StorageBackend {
  readonly supports: typeof supports
  /**
   * An object in one piece, for those who would verify it otherwise: its bytes have been verified already. They belong to the
   * caller. Above `maxBytes` there is its size alone. It ends with the scope of whoever calls.
   *
   * @returns undefined if there is none, or if what is there is damaged
   */
  getWhole(cid: CID, maxBytes: number): Promise<WholeObject | undefined>
}

/** What {@link BlocksBackend.getWhole} gives. */
export interface WholeObject {
  readonly size: number
  /** Absent when they are more than was allowed. */
  readonly bytes?: Uint8Array
}

/** Whether a backend is one that {@link createBlocksBackend} made. */
export function isBlocksBackend(backend: StorageBackend): backend is BlocksBackend {
  return backend instanceof OnBlocks
}

const supports = Object.freeze({
  write: true,
  delete: true,
  list: true,
  ranges: true,
  conditionalPut: true,
  // Other bytes have another CID: there is nothing to replace.
  conditionalReplace: false,
  keys: 'cid',
} as const satisfies Supports)

/**
 * Makes a storage backend of a store. A key is any CID with sha2-256 or sha2-512 of the bytes; the store knows blocks by
 * their multihash, so all CIDs of one multihash are one object, and `list` shows it by version 1, raw, in base32. Closing
 * the backend leaves the store open.
 *
 * @throws TypeError for an option that is unknown or of the wrong type, RangeError for a limit
 */
export function createBlocksBackend(blocks: BackendBlocks, options: BlocksBackendOptions): BlocksBackend {
  const {
    name = 'blocks',
    failureDomain,
    durability = 'synced',
    maxValueBytes = 67_108_864,
    maxArrivingBytes = 268_435_456,
    ...unknown
  } = options
  const [other] = Object.keys(unknown)
  if (other !== undefined) throw new TypeError(`A backend of blocks has no option ${JSON.stringify(other)}`)
  for (const [key, value] of Object.entries({ name, failureDomain })) {
    if (typeof value !== 'string' || value === '') throw new TypeError(`${key} is a text that is not empty`)
  }
  if (durability !== 'synced' && durability !== 'cached') {
    throw new TypeError(`durability is synced or cached, not ${String(durability)}`)
  }
  checkCount('maxValueBytes', maxValueBytes)
  checkCount('maxArrivingBytes', maxArrivingBytes)
  return new OnBlocks(blocks, { name, failureDomain, durability, maxValueBytes, maxArrivingBytes })
}

class OnBlocks implements BlocksBackend {
  readonly name: string
  readonly failureDomain: string
  readonly supports = supports
  readonly #blocks: BackendBlocks
  readonly #options: Required<BlocksBackendOptions>
  readonly #windows: KeyWindows
  readonly #gate = new PutGate()
  readonly #closing = new AbortController()
  readonly #puts = new Set<Promise<unknown>>()
  readonly #arrivals: Arrivals

  constructor(blocks: BackendBlocks, options: Required<BlocksBackendOptions>) {
    this.name = options.name
    this.failureDomain = options.failureDomain
    this.#blocks = blocks
    this.#options = options
    this.#arrivals = createArrivals({
      maxBytes: options.maxArrivingBytes,
      maxBodyBytes: options.maxValueBytes,
    })
    this.#windows = new KeyWindows((call) => blocks.list(call))
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectStat> {
    const { cid, signal } = this.#enter(key, options)
    const { size, ifAbsent } = checkPut(options, supports)
    const putting = told(async () => {
      if (ifAbsent && (await this.#blocks.has(cid, { signal }))) throw exists(key)
      const bytes = await this.#whole(body, size, signal)
      const outcome = await this.#gate.pass(() => this.#write(cid, bytes, ifAbsent, signal), { signal })
      if (ifAbsent && outcome === 'found') throw exists(key)
      this.#windows.added({ key: keyOfBlock(cid), size: bytes.length })
      return statOf(key, cid, bytes.length)
    })
    this.#puts.add(putting)
    try {
      return await putting
    } finally {
      this.#puts.delete(putting)
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const { cid, signal } = this.#enter(key, options)
    const wanted = checkGet(options)
    return told(async () => {
      const size = await this.#blocks.size(cid, { signal })
      if (size === undefined) return undefined
      const { from, to } = windowOf(wanted, size)
      const bytes =
        to - from === size
          ? await this.#blocks.get(cid, { signal })
          : await this.#blocks.getRange(cid, { offset: from, length: to - from, signal })
      return bytes === undefined
        ? undefined
        : {
            ...statOf(key, cid, size),
            offset: from,
            length: bytes.length,
            body: onePiece(bytes, signal),
          }
    })
  }

  async getWhole(cid: CID, maxBytes: number): Promise<WholeObject | undefined> {
    if (this.#closing.signal.aborted) throw closed(this.name)
    checkCount('maxBytes', maxBytes)
    return told(async () => {
      const size = await this.#blocks.size(cid)
      if (size === undefined || size > maxBytes) return size === undefined ? undefined : { size }
      const bytes = await this.#blocks.get(cid)
      return bytes === undefined ? undefined : { size: bytes.length, bytes }
    })
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    const { cid, signal } = this.#enter(key, options)
    const size = await told(() => this.#blocks.size(cid, { signal }))
    return size === undefined ? undefined : statOf(key, cid, size)
  }

  /** @throws BlocksError BLOCKS_HELD, besides what the contract says */
  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const { cid, signal } = this.#enter(key, options)
    await told(async () => {
      if (await this.#isGone(cid, signal)) return
      // A put of this backend holds what was put before it as well, for as long as it writes.
      await this.#gate.alone(
        async () => {
          if (await this.#isGone(cid, signal)) return
          throw new BlocksError('BLOCKS_HELD', `The block ${key} is held by a lease`)
        },
        { signal },
      )
    })
  }

  async list(options: ListOptions = {}): Promise<ListPage> {
    const signal = this.#signal(options)
    const { prefix, limit } = checkList(options)
    const { cursor } = options
    const after = cursor === undefined ? undefined : keyOfCursor(cursor, prefix, isKey)
    return told(async () => {
      if (isKey(prefix)) return { entries: after === undefined ? await this.#present([prefix], signal) : [] }
      const page = await this.#windows.page(prefix, after, limit, { signal })
      const keys = page.entries.map(({ key }) => key)
      const entries = await this.#present(keys, signal)
      const last = keys.at(-1)
      return page.more && last !== undefined ? { entries, cursor: cursorOf(last) } : { entries }
    })
  }

  async probe(options: CallOptions = {}): Promise<ProbeReport> {
    return probeByRoundTrip(this, { ...options, keyOf: keyOfBytes })
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(closed(this.name))
    // waits: each put tells its own caller how it went.
    await Promise.allSettled(this.#puts)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Begins a call with a key. */
  #enter(key: string, options: CallOptions): { readonly cid: CID; readonly signal: AbortSignal } {
    const signal = this.#signal(options)
    return { cid: parseKey(key), signal }
  }

  /** Ends a call that waits: the caller's signal, or that of the closing. */
  #signal({ signal }: CallOptions): AbortSignal {
    if (this.#closing.signal.aborted) throw closed(this.name)
    signal?.throwIfAborted()
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }

  /** Gathers a body within the limits. */
  async #whole(body: Body, size: number | undefined, signal: AbortSignal): Promise<Uint8Array> {
    using arrival = this.#arrivals.open()
    return await gather(body, { signal, size, onBytes: (total) => arrival.growTo(total) })
  }

  async #write(
    cid: CID,
    bytes: Uint8Array,
    ifAbsent: boolean,
    signal: AbortSignal,
  ): Promise<'new' | 'found'> {
    const isSynced = this.#options.durability === 'synced'
    if (!isSynced && !ifAbsent) {
      await this.#blocks.put(cid, bytes, { signal })
      return 'new'
    }
    using lease = this.#blocks.lease({
      name: `backend ${this.name}`,
      stream: isSynced ? 'kept' : 'cache',
    })
    const outcome = await lease.put(cid, bytes, { signal })
    if (isSynced) await lease.flush({ signal })
    return outcome
  }

  /** Deletes a block. False if it is there all the same. */
  async #isGone(cid: CID, signal: AbortSignal): Promise<boolean> {
    return (await this.#blocks.delete(cid, { signal })) || !(await this.#blocks.has(cid, { signal }))
  }

  /** Those of some keys that have a value now. */
  async #present(keys: readonly string[], signal: AbortSignal): Promise<ObjectStat[]> {
    const present: ObjectStat[] = []
    for (const key of keys) {
      const cid = parseKey(key)
      const size = await this.#blocks.size(cid, { signal })
      if (size !== undefined) present.push(statOf(key, cid, size))
    }
    return present
  }
}

function isKey(text: string): boolean {
  try {
    return keyOfBlock(parseKey(text)) === text
  } catch {
    return false
  }
}

/** What is told of a block: its version is its key, and a CID with sha2-256 has the digest in it. */
function statOf(key: string, { multihash }: CID, size: number): ObjectStat {
  const sha256 = multihash.code === sha256Code ? Buffer.from(multihash.digest).toString('hex') : undefined
  return { key, size, version: key, modifiedMs: undefined, sha256 }
}

function exists(key: string): StorageError {
  return new StorageError('STORAGE_EXISTS', `The key ${JSON.stringify(key)} has a value already`)
}

function closed(name: string): StorageError {
  return new StorageError('STORAGE_CLOSED', `The backend ${JSON.stringify(name)} is closed`)
}
