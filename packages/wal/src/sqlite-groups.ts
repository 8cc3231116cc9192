/** Groups: state, type, backend and whether it is paused. Each operation is in one, and what is counted is counted by them. */
import type { Database, Statement } from 'better-sqlite3'
import { laneOf } from './apply-record.ts'
import { isFinished, type LoggedOperation, type OperationState } from './operation.ts'

/** A row of `groups`. */
export interface GroupRow {
  readonly id: number
  readonly state: OperationState
  readonly type: string
  readonly backend: string
  readonly paused: number
  operations: number
  bytes: number
}

/** All rows of `groups`. There are few, whatever there is of operations. */
export const allGroups = 'SELECT id, state, type, backend, paused, operations, bytes FROM groups'

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
  readonly #write: Statement

  constructor(database: Database) {
    for (const row of database.prepare<[], GroupRow>(allGroups).all()) this.#keep(row)
    this.#write = database.prepare(
      `INSERT OR REPLACE INTO groups VALUES (:id, :state, :type, :backend, :paused, :operations, :bytes)`,
    )
  }

  /** The id of the group that an operation belongs to. */
  idOf(operation: LoggedOperation): number {
    const { state, type } = operation
    const backend = laneOf(operation)
    const paused = operation.paused ? 1 : 0
    const key = keyOf({ state, type, backend, paused })
    const row =
      this.#rows.get(key) ??
      this.#keep({ id: this.#rows.size + 1, state, type, backend, paused, operations: 0, bytes: 0 })
    return row.id
  }

  /** Counts operations in, or out with negative numbers. */
  count(id: number, operations: number, bytes: number): void {
    const row = this.#byId.get(id)!
    row.operations += operations
    row.bytes += bytes
    this.#dirty.add(row)
  }

  /** Writes what has changed. */
  flush(): void {
    for (const row of this.#dirty) this.#write.run(row)
    this.#dirty.clear()
  }

  /** Ids of the groups of a state. */
  ofState(state: OperationState): number[] {
    return [...this.#rows.values()].filter((row) => row.state === state).map(({ id }) => id)
  }

  /** How many operations are in a state. */
  countOf(state: OperationState): number {
    let operations = 0
    for (const row of this.#rows.values()) if (row.state === state) operations += row.operations
    return operations
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

function keyOf({ state, type, backend, paused }: Omit<GroupRow, 'id' | 'operations' | 'bytes'>): string {
  return `${state}\0${paused}\0${type}\0${backend}`
}
