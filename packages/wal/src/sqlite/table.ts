/** The table of operations in SQLite, as its only writer has it: what a slice touches is in memory until it is written once. */
import type { Database } from 'better-sqlite3'
import { laneOf, type OperationTable, putChanged } from '../store/apply-record.ts'
import { interrupted } from '../store/change.ts'
import { isFinished, isPending, type LoggedOperation } from '../store/operation.ts'
import type { KeyEntry } from '../store/operation-index.ts'
import type { WalConfig } from '../store/record.ts'
import { Groups } from './groups.ts'

/** Bytes of operations that stay in memory between slices. */
const keptBytes = 16 * 1024 * 1024

/** An operation in memory, and what the file has of it. */
interface Cached {
  /** Absent: it is to be removed. */
  operation: LoggedOperation | undefined
  isDirty: boolean
  /** The group of its row; absent without one. */
  groupId: number | undefined
  /** Bytes of its row. */
  bytes: number
  isFinished: boolean
}

interface Row {
  readonly group_id: number
  readonly body: string
}

/** What is counted of a row. */
export interface RowSize {
  readonly id: number
  readonly group_id: number
  readonly bytes: number
}

/** Where the index stands. */
export interface Applied {
  readonly lsn: number
  /** CRC-32 of the payload of the last record. */
  readonly crc: number
  readonly epoch: number
  readonly opened_lsn: number
  readonly opened_at: number
}

export class SqliteTable implements OperationTable {
  epoch: number
  lsn: number
  crc: number
  /** Lanes of what became pending by the end of a dependency, or by the end of a process. */
  readonly ready = new Set<string>()
  readonly groups: Groups
  readonly #statements
  readonly #cache = new Map<number, Cached>()
  readonly #dirty = new Map<number, Cached>()
  #cachedBytes = 0
  /** The last opening: what older epochs were running is {@link interrupted} by it, when it is asked for or swept. */
  #openedLsn: number
  #openedAt: number
  /** No row has a higher id. */
  #lastId: number
  /** Rows of who waits for whom: mostly none, and then nobody is looked for. */
  #waits: number

  constructor(database: Database) {
    this.#statements = prepare(database)
    this.groups = new Groups(database)
    const applied = this.#statements.applied.get()!
    this.epoch = applied.epoch
    this.lsn = applied.lsn
    this.crc = applied.crc
    this.#openedLsn = applied.opened_lsn
    this.#openedAt = applied.opened_at
    this.#lastId = this.#statements.lastId.get() ?? 0
    this.#waits = this.#statements.countWaits.get()!
  }

  /** How many operations are running by their rows that the last opening has interrupted. */
  get recovering(): number {
    return this.groups.left
  }

  get openedLsn(): number {
    return this.#openedLsn
  }

  get openedAt(): number {
    return this.#openedAt
  }

  get(id: number): LoggedOperation | undefined {
    const operation = this.#cached(id)?.operation
    if (operation === undefined || this.recovering === 0) return operation
    // What the opening has made of those that it waits for comes before what is done with it now.
    if (operation.waitingFor > 0) for (const other of operation.after) this.#interrupt(other)
    this.#interrupt(id)
    return this.#cached(id)?.operation
  }

  put(operation: LoggedOperation): void {
    const { id } = operation
    const cached = (id > this.#lastId ? undefined : this.#cached(id)) ?? this.#keep(id, undefined)
    this.#lastId = Math.max(this.#lastId, id)
    cached.operation = operation
    this.#markDirty(operation.id, cached)
  }

  remove({ id }: LoggedOperation): void {
    const cached = this.#cached(id)
    if (cached === undefined) return
    cached.operation = undefined
    this.#markDirty(id, cached)
  }

  /** Removes the row of one that has ended, whatever it says. */
  removeRow({ id, group_id, bytes }: RowSize): void {
    this.#cachedBytes -= this.#cache.get(id)?.bytes ?? 0
    this.#cache.delete(id)
    this.#statements.remove.run(id)
    this.groups.count(group_id, -1, -bytes)
  }

  putKey({ key, id, at, digest }: KeyEntry): void {
    this.#statements.putKey.run(key, id, at, digest, null)
  }

  putConfig(config: WalConfig): void {
    this.#statements.putConfig.run(JSON.stringify(config))
  }

  addDependency(on: number, id: number): void {
    this.#waits += this.#statements.addWait.run(on, id).changes
  }

  takeDependents(on: number): readonly number[] {
    if (this.#waits === 0) return []
    const ids = this.#statements.waitsOn.all(on)
    if (ids.length > 0) this.#waits -= this.#statements.removeWaits.run(on).changes
    return ids
  }

  interruptRunning(lsn: number, at: number): void {
    // A process may have ended before it had recovered all of an older one.
    this.flush()
    while (this.recovering > 0) this.sweep(1000)
    this.#openedLsn = lsn
    this.#openedAt = at
    this.groups.interruptRunning()
  }

  /** Interrupts the operations of older epochs, no more than so many, and writes them. */
  sweep(limit: number): void {
    let left = limit
    for (const groupId of this.groups.idsOfLeft()) {
      const ids = this.#statements.idsOfGroup.all(groupId, left)
      for (const id of ids) this.#interrupt(id)
      left -= ids.length
      if (left === 0) break
    }
    this.flush()
  }

  loadKey({ key, id, at, digest }: KeyEntry): void {
    const operation = this.#cached(id)?.operation
    const isOver = operation === undefined || isFinished(operation)
    this.#statements.putKey.run(key, id, at, digest, isOver ? at : null)
  }

  /** Writes what has changed. */
  flush(): void {
    for (const [id, cached] of this.#dirty) this.#write(id, cached)
    this.#dirty.clear()
    this.groups.flush()
    this.#trim()
  }

  /** Notes where it stands, in the transaction of what was written. */
  setApplied(isWhole = true): void {
    this.#statements.setApplied.run({
      lsn: this.lsn,
      crc: this.crc,
      epoch: this.epoch,
      opened_lsn: this.#openedLsn,
      opened_at: this.#openedAt,
      is_whole: isWhole ? 1 : 0,
    })
  }

  #interrupt(id: number): void {
    const operation = this.#cached(id)?.operation
    if (operation?.state !== 'running' || operation.lsn >= this.#openedLsn) return
    const next = interrupted(operation, this.#openedLsn, this.#openedAt)
    putChanged(this, operation, next, this.ready)
    if (isPending(next)) this.ready.add(laneOf(next))
  }

  #cached(id: number): Cached | undefined {
    const cached = this.#cache.get(id)
    if (cached !== undefined) return cached.operation === undefined ? undefined : cached
    const row = this.#statements.row.get(id)
    return row === undefined ? undefined : this.#keep(id, row)
  }

  #keep(id: number, row: Row | undefined): Cached {
    const operation = row === undefined ? undefined : (JSON.parse(row.body) as LoggedOperation)
    const cached: Cached = {
      operation,
      isDirty: false,
      groupId: row?.group_id,
      bytes: row === undefined ? 0 : Buffer.byteLength(row.body),
      isFinished: operation !== undefined && isFinished(operation),
    }
    this.#cache.set(id, cached)
    this.#cachedBytes += cached.bytes
    return cached
  }

  #markDirty(id: number, cached: Cached): void {
    if (cached.isDirty) return
    cached.isDirty = true
    this.#dirty.set(id, cached)
  }

  #write(id: number, cached: Cached): void {
    const { operation } = cached
    const statements = this.#statements
    if (cached.groupId !== undefined) this.groups.count(cached.groupId, -1, -cached.bytes)
    this.#cachedBytes -= cached.bytes
    cached.isDirty = false
    if (operation === undefined) {
      if (cached.groupId !== undefined) statements.remove.run(id)
      this.#cache.delete(id)
      return
    }
    const body = JSON.stringify(operation)
    const isOver = isFinished(operation)
    const groupId = this.groups.idOf(operation)
    const values = [
      groupId,
      operation.createdAt,
      operation.priority,
      operation.dueAt,
      isPending(operation) ? laneOf(operation) : null,
      isOver ? null : (operation.expiresAt ?? null),
      operation.finishedAt ?? null,
      body,
      id,
    ]
    if (cached.groupId === undefined) statements.insert.run(values)
    else statements.update.run(values)
    const isNew = cached.groupId === undefined
    if (isNew ? !isOver : isOver !== cached.isFinished) this.#claim(operation, isOver)
    if (operation.key !== undefined && (isNew ? isOver : isOver !== cached.isFinished)) {
      statements.endKey.run(isOver ? 1 : 0, operation.key, id)
    }
    cached.groupId = groupId
    cached.bytes = Buffer.byteLength(body)
    cached.isFinished = isOver
    this.groups.count(groupId, 1, cached.bytes)
    // What has ended is rarely asked for again.
    if (isOver) this.#cache.delete(id)
    else this.#cachedBytes += cached.bytes
  }

  /** Unfinished operations retain what they name. */
  #claim({ id, cids }: LoggedOperation, isOver: boolean): void {
    for (const cid of cids) (isOver ? this.#statements.removeCid : this.#statements.addCid).run(cid, id)
  }

  #trim(): void {
    if (this.#cachedBytes <= keptBytes) return
    for (const [id, { bytes }] of this.#cache) {
      this.#cache.delete(id)
      this.#cachedBytes -= bytes
      if (this.#cachedBytes <= keptBytes / 2) return
    }
  }
}

function prepare(database: Database) {
  return {
    applied: database.prepare<[], Applied>(
      'SELECT lsn, crc, epoch, opened_lsn, opened_at FROM applied WHERE one = 1',
    ),
    setApplied: database.prepare(
      `UPDATE applied SET lsn = :lsn, crc = :crc, epoch = :epoch, opened_lsn = :opened_lsn, opened_at = :opened_at,
       is_whole = :is_whole WHERE one = 1`,
    ),
    lastId: database.prepare<[], number | null>('SELECT max(id) FROM operations').pluck(),
    row: database.prepare<[number], Row>('SELECT group_id, body FROM operations WHERE id = ?'),
    idsOfGroup: database
      .prepare<[number, number], number>('SELECT id FROM operations WHERE group_id = ? ORDER BY id LIMIT ?')
      .pluck(),
    insert: database.prepare(
      `INSERT INTO operations (group_id, created_at, priority, due_at, lane, expires_at, finished_at, body, id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    update: database.prepare(
      `UPDATE operations SET group_id = ?, created_at = ?, priority = ?, due_at = ?, lane = ?, expires_at = ?,
       finished_at = ?, body = ? WHERE id = ?`,
    ),
    remove: database.prepare('DELETE FROM operations WHERE id = ?'),
    putConfig: database.prepare('UPDATE applied SET config = ? WHERE one = 1'),
    putKey: database.prepare('INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)'),
    endKey: database.prepare('UPDATE keys SET forget_from = iif(?, at, NULL) WHERE key = ? AND id = ?'),
    countWaits: database.prepare<[], number>('SELECT count(*) FROM waits').pluck(),
    waitsOn: database.prepare<[number], number>('SELECT id FROM waits WHERE on_id = ? ORDER BY id').pluck(),
    addWait: database.prepare('INSERT OR IGNORE INTO waits VALUES (?, ?)'),
    removeWaits: database.prepare('DELETE FROM waits WHERE on_id = ?'),
    addCid: database.prepare('INSERT OR IGNORE INTO cids VALUES (?, ?)'),
    removeCid: database.prepare('DELETE FROM cids WHERE cid = ? AND id = ?'),
  }
}
