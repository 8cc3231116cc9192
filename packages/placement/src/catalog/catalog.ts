/** The catalogue of copies: rows in memory, and a log that they are made of. */
import { createKeyedLock, map, random, shield, TaskGroupError } from '@ipfs-kit/concurrency'
import type { Disk } from '@ipfs-kit/disk'
import { openLog, type Finding, type Log } from '@ipfs-kit/wal'
import { CID } from 'multiformats/cid'
import { PlacementError } from '../errors.ts'
import type { Content } from '../policy.ts'
import { PackedRows } from './packed-rows.ts'
import { cidIn, decodeRow, encodeRow, type Row } from './row.ts'

/** What {@link openCatalog} takes. */
export interface CatalogOptions {
  /** Absolute path of its folder. */
  readonly path: string
  readonly disk?: Disk
  readonly segmentBytes?: number
}

/** Content and its copies. */
export interface Entry extends Omit<Row, 'content'> {
  readonly content: Content
}

/** What a change makes of a row. */
export type Change = (row: Row | undefined) => Row | undefined

/** Records that the log may have beyond twice the rows, before it is made smaller. */
const spareRecords = 10_000
/** Rows that are written at once while the log is made smaller. */
const rewrittenAtOnce = 256

/** An open catalogue. */
export class Catalog implements AsyncDisposable {
  readonly #log: Log
  readonly #rows: PackedRows
  readonly #locks = createKeyedLock<string>({ name: 'placement catalogue' })
  /** Changes that are being written. */
  readonly #writing = new Set<Promise<unknown>>()
  /** CIDs whose last change could not be written, and may be in the log all the same: it is replaced by the next one in any case. */
  readonly #uncertain = new Set<string>()
  #isClosed = false

  constructor(log: Log, rows: PackedRows) {
    this.#log = log
    this.#rows = rows
  }

  /** @throws PlacementError PLACEMENT_CLOSED */
  throwIfClosed(): void {
    if (this.#isClosed) throw new PlacementError('PLACEMENT_CLOSED', 'Placement is closed')
  }

  get findings(): readonly Finding[] {
    return this.#log.findings
  }

  get count(): number {
    return this.#rows.count
  }

  /** Bytes that the rows take in memory. */
  get memoryBytes(): number {
    return this.#rows.bytes
  }

  /** Bytes of the files of the log. */
  get diskBytes(): number {
    return this.#log.stats().bytes
  }

  get(cid: CID): Entry | undefined {
    const record = this.#rows.get(cid.bytes)
    return record && entryOf(record)
  }

  /** Slots are from 0 up to this number. What is there all the time keeps its slot. */
  get slots(): number {
    return this.#rows.slots
  }

  /** The row of a slot, if it is taken. */
  at(slot: number): Row | undefined {
    const record = this.#rows.at(slot)
    return record && decodeRow(record, 0)
  }

  /** The CID of a slot that is taken. */
  cidAt(slot: number): CID {
    return CID.decode(cidIn(this.#rows.at(slot)!, 0).slice())
  }

  /**
   * Changes what is known of a CID, one change after the other; resolves when it is acknowledged. A change that gives the row
   * that it got writes nothing. Who is cancelled while it waits for those before it has changed nothing; from then on it is done.
   *
   * @returns what is known now
   * @throws PlacementError PLACEMENT_CATALOG_FAILED, PLACEMENT_CLOSED; what `change` throws
   */
  async change(cid: CID, change: Change): Promise<Row | undefined> {
    const key = cid.toString()
    using _ = await this.#locks.acquire(key)
    this.throwIfClosed()
    const record = this.#rows.get(cid.bytes)
    const before = record && decodeRow(record, 0)
    const after = change(before)
    if (after !== before || this.#uncertain.has(key)) {
      const changed = after && { ...after, revision: (before?.revision ?? 0) + 1 }
      await this.#write(key, encodeRow(cid.bytes, changed))
    }
    const now = this.#rows.get(cid.bytes)
    return now && decodeRow(now, 0)
  }

  /** Whether the log has become so much larger than the rows that {@link compact} is of use. */
  get isLarge(): boolean {
    const { firstLsn, nextLsn } = this.#log.stats()
    return nextLsn - firstLsn > 2 * this.#rows.count + spareRecords
  }

  /** Writes all rows again, a few at a time, and drops what the log had before. */
  async compact(): Promise<void> {
    const start = this.#log.stats().nextLsn
    // A row that is written now may not be in memory yet.
    // waits: each change tells its own caller how it went.
    await Promise.allSettled(this.#writing)
    await this.#do('write all of it again', async () => {
      await map(this.#cids(), async (cid) => await this.#rewrite(cid), { concurrency: rewrittenAtOnce })
    })
    await this.#do('drop what it has twice', async () => await this.#log.dropBefore(start))
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#do('close', async () => await this.#log.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  *#cids(): Generator<CID> {
    for (let slot = 0; slot < this.#rows.slots; slot += 1) {
      const record = this.#rows.at(slot)
      if (record !== undefined) yield CID.decode(cidIn(record, 0).slice())
    }
  }

  async #rewrite(cid: CID): Promise<void> {
    const key = cid.toString()
    using _ = await this.#locks.acquire(key)
    const record = this.#rows.get(cid.bytes)
    if (record !== undefined) await this.#write(key, encodeRow(cid.bytes, decodeRow(record, 0)))
  }

  /** Memory has what the log has acknowledged, and nothing before that. */
  async #write(key: string, record: Uint8Array): Promise<void> {
    const writing = shield(async () => {
      this.#uncertain.add(key)
      await this.#do('write', async () => await this.#log.append(record))
      apply(this.#rows, record)
      this.#uncertain.delete(key)
    })
    this.#writing.add(writing)
    try {
      await writing
    } finally {
      this.#writing.delete(writing)
    }
  }

  async #do<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      throw failure(cause, what)
    }
  }
}

/**
 * Opens a catalogue, and reads all of it.
 *
 * @throws PlacementError PLACEMENT_CATALOG_FAILED
 */
export async function openCatalog({ path, disk, segmentBytes }: CatalogOptions): Promise<Catalog> {
  const rows = new PackedRows(Math.floor(random() * 2 ** 32))
  let log: Log | undefined
  try {
    log = await openLog({
      path,
      ...(disk === undefined ? {} : { disk }),
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
    })
    for await (const { payloads } of log.read()) for (const record of payloads) apply(rows, record)
    return new Catalog(log, rows)
  } catch (cause) {
    await log?.close()
    throw failure(cause, 'open')
  }
}

/** Lets the rows be what a record says. @throws RangeError if it says nothing */
function apply(rows: PackedRows, record: Uint8Array): void {
  if (decodeRow(record, 0) === undefined) rows.delete(cidIn(record, 0))
  else rows.set(record)
}

function entryOf(record: Uint8Array): Entry {
  const { content, ...rest } = decodeRow(record, 0)!
  return { content: { cid: CID.decode(cidIn(record, 0)).toString(), ...content }, ...rest }
}

function failure(cause: unknown, what: string): unknown {
  if (cause instanceof TaskGroupError) return failure(cause.errors[0], what)
  const { code, message } = cause as { code?: unknown; message?: unknown }
  if (code === 'WAL_CLOSED') return new PlacementError('PLACEMENT_CLOSED', 'Placement is closed', { cause })
  if (!(cause instanceof RangeError) && !String(code).startsWith('WAL_')) return cause
  const where = `The catalogue of copies could not ${what}`
  return new PlacementError('PLACEMENT_CATALOG_FAILED', `${where}: ${String(message)}`, { cause })
}
