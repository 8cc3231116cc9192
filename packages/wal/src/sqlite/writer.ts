/** The only writer of the index in SQLite. It runs in a thread of its own. */
import type { Database } from 'better-sqlite3'
import { renameSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { applyRecord } from '../store/apply-record.ts'
import { entriesOf } from '../store/index-part.ts'
import type { ImageHead, IndexPart, KeyEntry } from '../store/operation-index.ts'
import type { LoggedOperation } from '../store/operation.ts'
import { decodeRecord, type WalConfig } from '../store/record.ts'
import { payloadsOf, type PackedBatch, type Standing, type WriterCalls } from './calls.ts'
import { type ReadImage, readImage } from './image.ts'
import { isDamage, isFull, openToWrite, removeIndex } from './schema.ts'
import { type RowSize, SqliteTable } from './table.ts'

/** Operations that are recovered or taken away at once. */
const sliceOperations = 1000
/** Pages that wait for a checkpoint. */
const mostPages = 4096

export class SqliteWriter implements WriterCalls {
  readonly #path: string
  readonly #images = new Map<number, ReadImage>()
  #database!: Database
  #table!: SqliteTable
  /** Batches for which the volume was full, before those that came since. */
  #left: readonly PackedBatch[] = []

  constructor(path: string) {
    this.#path = path
    this.#open()
  }

  /** Where it stands; who is ready is told once. */
  standing(): Standing {
    const { lsn, crc, epoch, recovering, openedLsn, openedAt, groups, ready } = this.#table
    const lanes = [...ready]
    ready.clear()
    const totals = groups.totals()
    return { lsn, crc, epoch, recovering, openedLsn, openedAt, totals, ready: lanes }
  }

  apply(batches: readonly PackedBatch[]): void {
    this.#left = [...this.#left, ...batches]
    const table = this.#table
    let last: Uint8Array | undefined
    this.#write(() => {
      for (const batch of this.#left) {
        let lsn = batch.firstLsn
        for (const payload of payloadsOf(batch)) {
          applyRecord(table, lsn, decodeRecord(payload), table.ready)
          table.lsn = lsn
          last = payload
          lsn += 1
        }
      }
      if (last !== undefined) table.crc = crc32(last)
    })
    this.#left = []
  }

  /** What was to be written was not: what is in memory is that of the file again. */
  undo(): void {
    this.#table = new SqliteTable(this.#database)
  }

  sweep(): void {
    this.#write(() => this.#table.sweep(sliceOperations))
  }

  retain({ keysBefore, finishedBefore, keepFinished, kept }: Parameters<WriterCalls['retain']>[0]) {
    const table = this.#table
    const { operations, unfinished } = table.groups.totals()
    const finished = operations - unfinished - this.#countFinished(kept)
    const tooMany = Math.min(sliceOperations, finished - keepFinished)
    const rows =
      tooMany > 0
        ? this.#finished('finished_at IS NOT NULL', kept, tooMany)
        : this.#finished(`finished_at < ${finishedBefore}`, kept, sliceOperations)
    let keys = 0
    this.#write(() => {
      for (const row of rows) table.removeRow(row)
      keys = this.#database
        .prepare('DELETE FROM keys WHERE key IN (SELECT key FROM keys WHERE forget_from < ? LIMIT ?)')
        .run(keysBefore, sliceOperations).changes
    })
    const isDone = tooMany <= 0 && rows.length < sliceOperations && keys < sliceOperations
    return { operations: rows.length, keys, isDone }
  }

  loadBegin(): void {
    this.#database.close()
    removeIndex(this.#path)
    this.#open()
    this.#write(() => {}, false)
  }

  loadPart(part: IndexPart): void {
    const table = this.#table
    this.#write(() => {
      if (part.kind === 'operations') entriesOf<LoggedOperation>(part).forEach((one) => table.put(one))
      else if (part.kind === 'keys') entriesOf<KeyEntry>(part).forEach((one) => table.loadKey(one))
      else if (part.kind === 'waits')
        entriesOf<[number, number]>(part).forEach(([on, id]) => table.addDependency(on, id))
      else entriesOf<WalConfig>(part).forEach((one) => table.putConfig(one))
    }, false)
  }

  loadEnd({ lsn, epoch }: Pick<ImageHead, 'lsn' | 'epoch'>): void {
    this.#table.lsn = lsn
    this.#table.epoch = epoch
    this.#write(() => {})
  }

  imageBegin(image: number): ImageHead {
    const opened = readImage(this.#path)
    this.#images.set(image, opened)
    return opened.head
  }

  imagePart(image: number): IndexPart | undefined {
    return this.#images.get(image)!.next()
  }

  imageEnd(image: number): void {
    this.#images.get(image)!.close()
    this.#images.delete(image)
  }

  replace(path: string): void {
    // The other one has them.
    this.#left = []
    this.#database.close()
    removeIndex(this.#path)
    renameSync(path, this.#path)
    this.#open()
  }

  close(): void {
    for (const image of this.#images.values()) image.close()
    this.#database.close()
  }

  /** Ends it, and takes its files away. */
  discard(): void {
    this.close()
    removeIndex(this.#path)
  }

  /** The oldest end first. */
  #finished(condition: string, kept: readonly number[], limit: number): RowSize[] {
    return this.#database
      .prepare<[string, number], RowSize>(
        `SELECT id, group_id, octet_length(body) AS bytes FROM operations
         WHERE ${condition} AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY finished_at, id LIMIT ?`,
      )
      .all(JSON.stringify(kept), limit)
  }

  #countFinished(ids: readonly number[]): number {
    return this.#database
      .prepare<[string], number>(
        `SELECT count(*) FROM operations
         WHERE id IN (SELECT value FROM json_each(?)) AND finished_at IS NOT NULL`,
      )
      .pluck()
      .get(JSON.stringify(ids))!
  }

  #open(): void {
    this.#database = openToWrite(this.#path)
    try {
      this.#table = new SqliteTable(this.#database)
    } catch (error) {
      this.#database.close()
      if (!isDamage(error)) throw error
      removeIndex(this.#path)
      this.#database = openToWrite(this.#path)
      this.#table = new SqliteTable(this.#database)
    }
  }

  /** Does something, and writes what it has changed, with where it stands, as one. */
  #write(change: () => void, isWhole = true): void {
    const table = this.#table
    const write = this.#database.transaction(() => {
      change()
      table.flush()
      table.setApplied(isWhole)
    })
    write.immediate()
    this.#checkpoint()
  }

  /** Moves pages into the database between batches, so that the file beside it does not grow. */
  #checkpoint(): void {
    if (this.#pagesAfter('NOOP') < mostPages) return
    try {
      const left = this.#pagesAfter('PASSIVE')
      // Somebody has been reading each time. Whoever reads an image is not waited for.
      if (left > 4 * mostPages && this.#images.size === 0) this.#pagesAfter('RESTART')
    } catch (error) {
      // What was written is in the file beside it, which is full as soon as it has to grow.
      if (!isFull(error)) throw error
    }
  }

  #pagesAfter(mode: 'NOOP' | 'PASSIVE' | 'RESTART'): number {
    const [row] = this.#database.pragma(`wal_checkpoint(${mode})`) as [{ log: number; checkpointed: number }]
    return mode === 'NOOP' ? row.log - row.checkpointed : row.log
  }
}
