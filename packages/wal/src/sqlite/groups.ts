/**
 * Groups: state, type, backend and whether it is paused. Each operation is in one, and what is counted and filtered goes by them.
 *
 * What is running is grouped by what an interruption makes of it as well. So an opening, which interrupts all that is running,
 * says that of groups: from then on they are of the state that their operations come to, whose rows are written little by little.
 */
import type { Database, Statement } from 'better-sqlite3'
import { laneOf } from '../store/apply-record.ts'
import { interruptedState } from '../store/change.ts'
import { isFinished, type LoggedOperation, type OperationState } from '../store/operation.ts'

/** A row of `groups`. */
export interface GroupRow {
  readonly id: number
  state: OperationState
  /** What an interruption makes of the state. */
  readonly interrupted: OperationState
  /** 1: an opening has interrupted its operations, whose rows say that they are running. */
  is_left: number
  readonly type: string
  readonly backend: string
  readonly paused: number
  operations: number
  bytes: number
}

/** All rows of `groups`. There are few, whatever there is of operations. */
export const allGroups = `SELECT id, state, interrupted, is_left, type, backend, paused, operations, bytes
  FROM groups`

/** Sums of groups. */
export interface Totals {
  readonly operations: number
  readonly unfinished: number
  readonly unfinishedBytes: number
}

/** The groups as their only writer knows them. */
export class Groups {
  readonly #rows = new Map<string, GroupRow>()
  readonly #byId = new Map<number, GroupRow>()
  readonly #dirty = new Set<GroupRow>()
  #left = 0
  readonly #write: Statement

  constructor(database: Database) {
    for (const row of database.prepare<[], GroupRow>(allGroups).all()) {
      this.#keep(row)
      if (row.is_left === 1) this.#left += row.operations
    }
    this.#write = database.prepare(
      `INSERT OR REPLACE INTO groups
       VALUES (:id, :state, :interrupted, :is_left, :type, :backend, :paused, :operations, :bytes)`,
    )
  }

  /** How many operations are in groups that are left. */
  get left(): number {
    return this.#left
  }

  /** The id of the group that an operation belongs to. */
  idOf(operation: LoggedOperation): number {
    const { state, type } = operation
    const backend = laneOf(operation)
    const paused = operation.paused ? 1 : 0
    const interrupted = state === 'running' ? interruptedState(operation) : state
    const group = { state, interrupted, is_left: 0, type, backend, paused }
    const row =
      this.#rows.get(keyOf(group)) ??
      this.#keep({ id: this.#rows.size + 1, ...group, operations: 0, bytes: 0 })
    return row.id
  }

  /** Counts operations in, or out with negative numbers. */
  count(id: number, operations: number, bytes: number): void {
    const row = this.#byId.get(id)!
    row.operations += operations
    row.bytes += bytes
    if (row.is_left === 1) this.#left += operations
    this.#dirty.add(row)
  }

  /** All that is running is interrupted. Nothing is left when it begins. */
  interruptRunning(): void {
    for (const row of this.#byId.values()) {
      if (row.state !== 'running' || row.operations === 0) continue
      this.#rows.delete(keyOf(row))
      row.state = row.interrupted
      row.is_left = 1
      this.#left += row.operations
      // One that was left before, and is empty, takes what runs from now on.
      const free = this.#rows.get(keyOf(row))
      if (free !== undefined) {
        free.state = 'running'
        free.is_left = 0
      }
      for (const moved of free === undefined ? [row] : [row, free]) {
        this.#rows.set(keyOf(moved), moved)
        this.#dirty.add(moved)
      }
    }
  }

  /** Writes what has changed. */
  flush(): void {
    for (const row of this.#dirty) this.#write.run(row)
    this.#dirty.clear()
  }

  /** Ids of the groups that are left and have operations. */
  idsOfLeft(): number[] {
    return [...this.#byId.values()]
      .filter((row) => row.is_left === 1 && row.operations > 0)
      .map(({ id }) => id)
  }

  totals(): Totals {
    return totalsOf(this.#rows.values())
  }

  #keep(row: GroupRow): GroupRow {
    this.#rows.set(keyOf(row), row)
    this.#byId.set(row.id, row)
    return row
  }
}

/** The sums of rows. */
export function totalsOf(rows: Iterable<GroupRow>): Totals {
  let operations = 0
  let unfinished = 0
  let unfinishedBytes = 0
  for (const row of rows) {
    operations += row.operations
    if (isFinished(row)) continue
    unfinished += row.operations
    unfinishedBytes += row.bytes
  }
  return { operations, unfinished, unfinishedBytes }
}

function keyOf(group: Omit<GroupRow, 'id' | 'operations' | 'bytes'>): string {
  const { state, interrupted, is_left: isLeft, type, backend, paused } = group
  return `${state}\0${interrupted}\0${isLeft}\0${paused}\0${type}\0${backend}`
}
