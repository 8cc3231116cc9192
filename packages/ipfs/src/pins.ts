/**
 * Pins: roots that are kept. A pin is one row, written in one transaction; what it protects is found by a walk, never
 * counted per block. The shape is that of Helia's `Pins`, so that a Helia over the same blocks can use them.
 */
import { createVisited } from '@ipfs-kit/blocks'
import Database from 'better-sqlite3'
import { CID } from 'multiformats/cid'
import type { BlockStore, Lease } from './block-store.ts'
import type { Calls } from './calls.ts'
import { IpfsError } from './errors.ts'
import type { CallOptions } from './ipfs.ts'
import { walkDag, walkParts, type WalkSource } from './walk.ts'

/** What can be noted with a pin. `name` is shown by the doors. */
export type PinMetadata = Record<string, string | number | boolean>

/** A pin. Its fields can be written, since Helia's can. */
export interface Pin {
  cid: CID
  /** Infinity is recursive, 0 direct. */
  depth: number
  metadata: PinMetadata
}

/** Options of {@link OwnPins.add}. */
export interface PinAddOptions extends CallOptions {
  /** Links to follow from the root. Default Infinity: the whole DAG. */
  readonly depth?: number
  readonly metadata?: PinMetadata
}

/** Helia's `Pins` with the promises of this package. */
export interface OwnPins {
  /**
   * Pins a DAG whose blocks are all here. Yields each of its blocks once and records the pin after the last one: a
   * consumer that leaves early pins nothing. What was recorded survives a power loss, with all its blocks. A CID that is pinned already gets the new metadata, if there is
   * any, and the larger depth.
   * Rejects with `IPFS_BLOCK_NOT_FOUND` when a block is missing, with `IPFS_DAG_TOO_LARGE` beyond 33,554,432 blocks or
   * 1,048,576 levels.
   */
  add(cid: CID, options?: PinAddOptions): AsyncGenerator<CID, void, undefined>
  /** Removes the pin of a root and yields that root. `IPFS_PIN_NOT_FOUND` when there is none. */
  rm(cid: CID, options?: CallOptions): AsyncGenerator<CID, void, undefined>
  /** Pins in the order of their making. */
  ls(options?: CallOptions & { readonly cid?: CID }): AsyncGenerator<Pin, void, undefined>
  /** The pin of a root. `IPFS_PIN_NOT_FOUND` when there is none. */
  get(cid: CID, options?: CallOptions): Promise<Pin>
  /** Whether a block is the root of a pin or below one. The second costs a walk of the pinned DAGs. */
  isPinned(cid: CID, options?: CallOptions): Promise<boolean>
  /** Replaces the metadata of a pin. `IPFS_PIN_NOT_FOUND` when there is none. */
  setMetadata(cid: CID, metadata: PinMetadata | undefined, options?: CallOptions): Promise<void>
}

/**
 * The version of the table below and of the blocks beside it, in the file's `user_version`. 1 had the same table, and a file for each
 * block: a version that knows only that one must not open blocks in packs.
 */
const schemaVersion = 2

interface Row {
  readonly id: number
  readonly cid: Uint8Array
  /** NULL is Infinity. */
  readonly depth: number | null
  readonly metadata: string
}

/** The rows: one a root, keyed by its multihash and codec whatever the version of its CID. */
export class PinRecords {
  readonly #database: Database.Database
  readonly #upsert: Database.Statement
  readonly #delete: Database.Statement
  readonly #select: Database.Statement<[Uint8Array], Row>
  readonly #page: Database.Statement<[number, number], Row>
  readonly #last: Database.Statement<[], { readonly id: number | null }>
  readonly #update: Database.Statement
  readonly #count: Database.Statement<[], { readonly count: number }>

  /** @throws IpfsError IPFS_STORE_FAILED when the file was made by a newer version or cannot be opened */
  constructor(file: string) {
    let database: Database.Database | undefined
    try {
      // Nobody is waited for: another process that has the folder keeps it.
      database = new Database(file, { timeout: 0 })
      prepareFile(database)
    } catch (cause) {
      database?.close()
      throw cause instanceof IpfsError ? cause : recordsError(`The pins at ${file} cannot be opened`, cause)
    }
    this.#database = database
    this.#upsert = this.#database.prepare(`
      INSERT INTO pins (key, cid, depth, metadata) VALUES (?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET
        metadata = CASE WHEN excluded.metadata = '{}' THEN metadata ELSE excluded.metadata END,
        depth = CASE WHEN depth IS NULL OR excluded.depth IS NULL THEN NULL ELSE max(depth, excluded.depth) END
    `)
    this.#delete = this.#database.prepare('DELETE FROM pins WHERE key = ?')
    this.#select = this.#database.prepare('SELECT id, cid, depth, metadata FROM pins WHERE key = ?')
    this.#page = this.#database.prepare(
      'SELECT id, cid, depth, metadata FROM pins WHERE id > ? AND id <= ? ORDER BY id LIMIT 256',
    )
    this.#last = this.#database.prepare('SELECT max(id) AS id FROM pins')
    this.#update = this.#database.prepare('UPDATE pins SET metadata = ? WHERE key = ?')
    this.#count = this.#database.prepare('SELECT count(*) AS count FROM pins')
  }

  /**
   * Records pins: all of them or, when it throws, none.
   *
   * @throws IpfsError IPFS_STORE_FULL, IPFS_STORE_FAILED
   */
  record(cids: readonly CID[], depth: number, metadata: PinMetadata): void {
    const stored = depth === Number.POSITIVE_INFINITY ? null : depth
    const text = JSON.stringify(metadata)
    this.#write(() => {
      for (const cid of cids) this.#upsert.run(pinKeyOf(cid), cid.bytes, stored, text)
    })
  }

  remove(cid: CID): boolean {
    return this.#write(() => this.#delete.run(pinKeyOf(cid)).changes > 0)
  }

  get(cid: CID): Pin | undefined {
    const row = this.#select.get(pinKeyOf(cid))
    return row === undefined ? undefined : pinOf(row)
  }

  setMetadata(cid: CID, metadata: PinMetadata): boolean {
    return this.#write(() => this.#update.run(JSON.stringify(metadata), pinKeyOf(cid)).changes > 0)
  }

  /**
   * All pins, read in pages, so that records may change between two steps. What is recorded after the first step is not
   * among them: whoever adds all the time must not keep a collection from its end.
   */
  *all(): Generator<Pin, void, undefined> {
    const end = this.#last.get()?.id ?? 0
    for (let last = 0; last < end;) {
      const rows = this.#page.all(last, end)
      for (const row of rows) yield pinOf(row)
      last = rows.at(-1)?.id ?? end
    }
  }

  count(): number {
    return this.#count.get()?.count ?? 0
  }

  close(): void {
    this.#database.close()
  }

  #write<T>(work: () => T): T {
    try {
      return this.#database.transaction(work)()
    } catch (cause) {
      throw recordsError('The pins could not be written', cause)
    }
  }
}

/** Refuses a file of a newer version before anything in it is touched, then makes the table. */
function prepareFile(database: Database.Database): void {
  // One process has the folder, and a log without shared memory can be opened when the disk is full.
  database.pragma('locking_mode = EXCLUSIVE')
  const version = database.pragma('user_version', { simple: true }) as number
  if (version > schemaVersion) {
    throw new IpfsError(
      'IPFS_STORE_FAILED',
      `The pins have format ${version}; this version reads up to ${schemaVersion}`,
    )
  }
  // FULL: a pin that was answered is on disk.
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  if (version === schemaVersion) return
  database.exec(`
    CREATE TABLE IF NOT EXISTS pins (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      key BLOB NOT NULL UNIQUE,
      cid BLOB NOT NULL,
      depth INTEGER,
      metadata TEXT NOT NULL
    ) STRICT;
    PRAGMA user_version = ${schemaVersion};
  `)
}

function recordsError(what: string, cause: unknown): IpfsError {
  const code = cause instanceof Database.SqliteError ? cause.code : undefined
  if (code === 'SQLITE_BUSY') {
    return new IpfsError('IPFS_STORE_FAILED', 'The folder is open in another process or node', { cause })
  }
  if (code === 'SQLITE_FULL') return new IpfsError('IPFS_STORE_FULL', `${what}: the disk is full`, { cause })
  return new IpfsError('IPFS_STORE_FAILED', code === undefined ? what : `${what}: ${code}`, { cause })
}

/** Pins over rows, blocks and leases. */
export function createPins(parts: {
  readonly records: PinRecords
  readonly blocks: BlockStore
  readonly calls: Calls
}): OwnPins {
  const { records, blocks, calls } = parts

  return {
    add: (cid, options = {}) => {
      const depth = options.depth ?? Number.POSITIVE_INFINITY
      if (!(depth === Number.POSITIVE_INFINITY || (Number.isSafeInteger(depth) && depth >= 0))) {
        throw new RangeError(`depth is a whole number from 0 or Infinity, not ${depth}`)
      }
      const metadata = checkMetadata(options.metadata ?? {})
      return calls.stream(options, async function* (signal) {
        const lease = blocks.lease('pin', 'kept')
        try {
          // One generator less around each of perhaps millions of blocks.
          const parts = walkParts(cid, heldSource(blocks, lease, signal), { depth, signal })
          for await (const part of parts) for (const block of part) yield block
          await lease.flush({ signal })
          records.record([cid], depth, metadata)
        } finally {
          lease.close()
        }
      })
    },
    rm: (cid, options) =>
      calls.stream(options, async function* () {
        if (!records.remove(cid)) throw notPinned(cid)
        yield cid
      }),
    ls: (options) =>
      calls.stream(options, async function* (signal) {
        if (options?.cid !== undefined) {
          const pin = records.get(options.cid)
          if (pin !== undefined) yield pin
          return
        }
        for (const pin of records.all()) {
          signal.throwIfAborted()
          yield pin
        }
      }),
    get: (cid, options) =>
      calls.run(options, async () => {
        const pin = records.get(cid)
        if (pin === undefined) throw notPinned(cid)
        return pin
      }),
    isPinned: (cid, options) =>
      calls.run(options, async (signal) => {
        if (records.get(cid) !== undefined) return true
        const visited = createVisited()
        const source = { get: (link: CID) => blocks.get(link, signal), check: async () => {} }
        for (const pin of records.all()) {
          // Each depth has its own view of what is below: only walks of the same depth share what was visited.
          const seen = pin.depth === Number.POSITIVE_INFINITY ? visited : createVisited()
          for await (const found of walkDag(pin.cid, source, { depth: pin.depth, visited: seen, signal })) {
            if (Buffer.compare(found.multihash.bytes, cid.multihash.bytes) === 0) return true
          }
        }
        return false
      }),
    setMetadata: (cid, metadata, options) =>
      calls.run(options, async () => {
        if (!records.setMetadata(cid, checkMetadata(metadata ?? {}))) throw notPinned(cid)
      }),
  }
}

/** A walk over stored blocks that holds each of them. */
export function heldSource(blocks: BlockStore, lease: Lease, signal: AbortSignal): WalkSource {
  /** What the packs do not have may be nearer, and is stored then. Asked for, it says what it lacks. */
  const bring = async (cid: CID): Promise<Uint8Array> => {
    const bytes = await blocks.get(cid, signal)
    await lease.put(cid, bytes)
    return bytes
  }
  return {
    get: async (cid) => ((await lease.hold(cid)) === undefined ? blocks.getStored(cid, signal) : bring(cid)),
    check: async (cids) => {
      for (let left = cids; ;) {
        const missing = await lease.hold(...left)
        if (missing === undefined) return
        await bring(missing)
        left = left.filter((cid) => cid !== missing)
      }
    },
  }
}

/** Names are short, values are what JSON can hold. @throws TypeError, RangeError */
export function checkMetadata(metadata: PinMetadata): PinMetadata {
  for (const [key, value] of Object.entries(metadata)) {
    if (!['string', 'number', 'boolean'].includes(typeof value))
      throw new TypeError(`metadata.${key} is not a string, number or boolean`)
    if (key === 'name' && typeof value === 'string' && value.length > 255) {
      throw new RangeError(`The name of a pin has at most 255 characters, not ${value.length}`)
    }
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new RangeError(`metadata.${key} is not a finite number`)
  }
  const size = JSON.stringify(metadata).length
  if (size > 4096)
    throw new RangeError(`The metadata of a pin has at most 4,096 characters of JSON, not ${size}`)
  return metadata
}

function pinKeyOf(cid: CID): Uint8Array {
  return cid.version === 1 ? cid.bytes : cid.toV1().bytes
}

function pinOf(row: Row): Pin {
  return {
    cid: CID.decode(row.cid),
    depth: row.depth ?? Number.POSITIVE_INFINITY,
    metadata: JSON.parse(row.metadata) as PinMetadata,
  }
}

function notPinned(cid: CID): IpfsError {
  return new IpfsError('IPFS_PIN_NOT_FOUND', `${cid} is not pinned`)
}
