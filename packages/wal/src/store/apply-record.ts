/** What records make of a table of operations: the one meaning of every index. */
import { afterDependency, changed } from './change.ts'
import { isFinished, isPending, ownLane, type LoggedOperation } from './operation.ts'
import type { KeyEntry } from './operation-index.ts'
import { digestOf } from './params-digest.ts'
import { promised, type WalConfig, type WalRecord } from './record.ts'

/** What an index keeps. */
export interface OperationTable {
  /** The epoch of the last process that had the log. */
  epoch: number
  get(id: number): LoggedOperation | undefined
  put(operation: LoggedOperation): void
  remove(operation: LoggedOperation): void
  putKey(entry: KeyEntry): void
  /** Keeps the options of the last process that ran operations. */
  putConfig(config: WalConfig): void
  /** Notes that an operation waits for another one. */
  addDependency(on: number, id: number): void
  /** Forgets who waits for an operation, and tells who it was. */
  takeDependents(on: number): readonly number[]
  /** A process has opened the log: makes {@link interrupted} of all that is running. */
  interruptRunning(lsn: number, at: number): void
}

/** Whose limit and health an operation stands under. */
export function laneOf({ backend = ownLane }: Pick<LoggedOperation, 'backend'>): string {
  return backend
}

/** Applies a record; adds to `ready` the lanes of what became pending by the end of a dependency. */
export function applyRecord(table: OperationTable, lsn: number, record: WalRecord, ready: Set<string>): void {
  if (record.kind === 'add') {
    if (record.epoch !== undefined) table.epoch = Math.max(table.epoch, record.epoch)
    add(table, promised(lsn, record))
  } else if (record.kind === 'open') {
    table.epoch = Math.max(table.epoch, record.epoch)
    table.interruptRunning(lsn, record.at)
    if (record.config !== undefined) table.putConfig(record.config)
  } else if (record.kind === 'delete') {
    for (const id of record.ids) {
      const operation = table.get(id)
      if (operation !== undefined && isFinished(operation)) table.remove(operation)
    }
  } else {
    // The record of its opening may be lost: an epoch never comes twice.
    if (record.kind === 'start') table.epoch = Math.max(table.epoch, record.epoch)
    const operation = table.get(record.id)
    if (operation === undefined) return
    const next = changed(operation, lsn, record)
    const { after } = record.kind === 'retry' ? record : {}
    putChanged(
      table,
      operation,
      next === operation || !after ? next : withDependencies(table, next, after),
      ready,
    )
  }
}

/** An operation has changed; if it has ended by that, those that wait for it are told. */
export function putChanged(
  table: OperationTable,
  before: LoggedOperation,
  operation: LoggedOperation,
  ready: Set<string>,
): void {
  if (operation === before) return
  table.put(operation)
  if (!isFinished(operation)) return
  for (const id of table.takeDependents(operation.id)) {
    const waiting = table.get(id)
    if (waiting === undefined) continue
    const next = afterDependency(waiting, operation.id, operation.state === 'completed')
    if (next !== waiting) table.put(next)
    if (isPending(next) && !isPending(waiting)) ready.add(laneOf(next))
  }
}

function add(table: OperationTable, operation: LoggedOperation): void {
  const { id, key, createdAt } = operation
  table.put(withDependencies(table, operation, operation.after))
  if (key !== undefined) table.putKey({ key, id, at: createdAt, digest: digestOf(operation) })
}

/** An operation that waits for those of `after` that have not completed. */
function withDependencies(
  table: OperationTable,
  operation: LoggedOperation,
  after: readonly number[],
): LoggedOperation {
  let current = operation.waitingFor === 0 ? operation : { ...operation, waitingFor: 0 }
  for (const other of after) {
    const found = table.get(other)
    // What is not there any more has ended and was let go: who appends has checked that it had completed.
    if (found === undefined || found.state === 'completed') continue
    current = { ...current, waitingFor: current.waitingFor + 1 }
    if (isFinished(found)) current = afterDependency(current, other, false)
    else table.addDependency(other, operation.id)
  }
  return current
}
