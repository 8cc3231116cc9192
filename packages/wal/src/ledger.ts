/**
 * The one place that writes records of operations and knows what they have made: an operation is shown as changed once the
 * record of that is acknowledged, and one transition of it comes after the other.
 */
import { createKeyedLock, type Permit } from '@ipfs-kit/concurrency'
import { changed } from './change.ts'
import { WalError } from './errors.ts'
import { InOrder } from './in-order.ts'
import { isFinished, type LoggedOperation } from './operation.ts'
import type { OperationChange } from './wal.ts'
import type { OperationStore } from './operation-store.ts'
import type { ChangeRecord, WalRecord } from './record.ts'

/** What {@link Ledger} tells. */
export interface LedgerListener {
  /** Operations have changed, in the order of acknowledgement as far as it is known: what it starts looks at their state. */
  readonly changed: (operation: LoggedOperation) => void
  /** Changes in the order of their LSNs. */
  readonly inOrder: (changes: readonly OperationChange[]) => void
}

/** A record of a change before its operation is named and its time is known. */
export type Unstamped = ChangeRecord extends infer R
  ? R extends ChangeRecord
    ? Omit<R, 'at' | 'id'>
    : never
  : never

/** Codes after which nothing is written any more. */
const lasting: ReadonlySet<string> = new Set(['WAL_SYNC_FAILED', 'WAL_INDEX_FAILED', 'WAL_CLOSED'])

export class Ledger {
  readonly store: OperationStore
  /** The time of the wall, for records. */
  readonly clock: () => number
  /** The error that stopped the log: nothing is written any more. */
  failure: WalError | undefined
  /** Operations that are being promised. */
  promising = 0
  /** Since it was opened: operations that have completed, … */
  completed = 0
  /** … that became dead letters, … */
  failed = 0
  /** … and attempts that failed and are followed by another. */
  retried = 0
  /** The LSN of the newest record that was acknowledged. */
  acknowledged: number
  readonly #turns = createKeyedLock<number>({ name: 'turn of an operation' })
  readonly #listener: LedgerListener
  /** Operations as of records that the index may not have applied, the oldest first. */
  readonly #recent = new Map<number, LoggedOperation>()
  /** Operations that were removed, by the LSNs of the records of that, which the index may not have applied. */
  readonly #removed = new Map<number, number>()
  /** By how many operations such records change what is unfinished, by their LSNs. */
  readonly #ahead = new Map<number, number>()
  readonly #order: InOrder<OperationChange>

  constructor(store: OperationStore, clock: () => number, listener: LedgerListener) {
    this.store = store
    this.clock = clock
    this.#listener = listener
    this.#order = new InOrder((changes) => listener.inOrder(changes))
    this.acknowledged = store.log.stats().nextLsn - 1
  }

  /** Operations that have not ended. */
  get unfinished(): number {
    this.#forget()
    let { unfinished } = this.store.index.stats()
    for (const more of this.#ahead.values()) unfinished += more
    return unfinished
  }

  /** The turn to change an operation. */
  turn(id: number): Promise<Permit> {
    return this.#turns.acquire(id)
  }

  /** Whether somebody changes it just now. */
  isInTurn(id: number): boolean {
    return this.#turns.isLocked(id)
  }

  /**
   * An operation as of all that is acknowledged, but that dependencies which have ended meanwhile may still count; undefined if
   * it is not there.
   */
  load(id: number): LoggedOperation | undefined {
    if (this.#removed.has(id)) return undefined
    return this.isApplied(id) ? this.store.index.get(id) : this.#recent.get(id)
  }

  /** Whether an operation is there and has not ended. */
  isUnfinished(id: number): boolean {
    const operation = this.load(id)
    return operation !== undefined && !isFinished(operation)
  }

  /** Whether the index knows of the newest change of an operation. */
  isApplied(id: number): boolean {
    const recent = this.#recent.get(id)
    return recent === undefined || recent.lsn <= this.store.index.appliedLsn
  }

  /** Waits until the index has all that is acknowledged. */
  async applied(): Promise<void> {
    await this.store.index.applied(this.acknowledged)
  }

  /** Nothing is begun and written any more, for this reason. @throws what is no WalError */
  stop(error: unknown): void {
    if (!(error instanceof WalError)) throw error
    this.failure ??= error
  }

  /** Writes changes of one operation as one. Whoever calls has its turn. */
  async change(operation: LoggedOperation, changes: readonly Unstamped[]): Promise<LoggedOperation> {
    const { records, made } = this.stamp(operation, changes)
    let next = operation
    await this.commit(records, (lsns) => {
      next = made(lsns)
      return [next]
    })
    return next
  }

  /** Changes of one operation as records, and what they make of it when they have LSNs. */
  stamp(operation: LoggedOperation, changes: readonly Unstamped[]) {
    const at = this.clock()
    const records = changes.map((change) => ({ ...change, at, id: operation.id }) as ChangeRecord)
    const made = (lsns: readonly number[]) =>
      records.reduce((current, record, nth) => changed(current, lsns[nth]!, record), operation)
    return { records, made }
  }

  /**
   * Writes records as one, and shows what they make.
   *
   * @param make - the operations after them, once it is known which LSNs they have
   * @throws WalError as `Log.appendMany`
   */
  async commit(
    records: readonly WalRecord[],
    make: (lsns: readonly number[]) => readonly LoggedOperation[],
  ): Promise<number[]> {
    if (this.failure !== undefined) throw this.failure
    const place = this.#order.enter()
    let changes: OperationChange[] = []
    const adds = records.filter(({ kind }) => kind === 'add').length
    this.promising += adds
    try {
      const lsns = await this.store.append(records)
      this.acknowledged = Math.max(this.acknowledged, lsns.at(-1)!)
      this.#count(records, lsns.at(-1)!)
      const made = make(lsns)
      for (const operation of made) this.#note(operation)
      changes = made.map((operation) => ({ lsn: operation.lsn, operation }))
      for (const operation of made) this.#listener.changed(operation)
      return lsns
    } catch (error) {
      if (error instanceof WalError && lasting.has(error.code)) this.failure ??= error
      throw error
    } finally {
      this.promising -= adds
      place.leave(changes)
    }
  }

  #count(records: readonly WalRecord[], lsn: number): void {
    let more = 0
    for (const record of records) {
      const { kind } = record
      if (kind === 'add' || kind === 'retry') more += 1
      else if (kind === 'fail' && record.retryAt !== undefined) this.retried += 1
      else if (kind === 'complete' || kind === 'fail' || kind === 'cancel') more -= 1
      if (kind === 'complete') this.completed += 1
      else if (kind === 'fail' && record.retryAt === undefined) this.failed += 1
      else if (kind === 'delete') for (const id of record.ids) this.#removed.set(id, lsn)
    }
    if (more !== 0) this.#ahead.set(lsn, more)
    this.#forget()
  }

  /** Forgets what the index has applied. */
  #forget(): void {
    const { appliedLsn } = this.store.index
    for (const lsn of this.#ahead.keys()) {
      if (lsn > appliedLsn) break
      this.#ahead.delete(lsn)
    }
    for (const [id, lsn] of this.#removed) {
      if (lsn > appliedLsn) break
      this.#removed.delete(id)
    }
    for (const [id, { lsn }] of this.#recent) {
      if (lsn > appliedLsn) break
      this.#recent.delete(id)
    }
  }

  #note(operation: LoggedOperation): void {
    const { id } = operation
    this.#recent.delete(id)
    this.#recent.set(id, operation)
  }
}

/** Whether the disk took nothing this time, and may take it the next: a failed write, or a volume that is full. */
export function isDiskTrouble(error: unknown): boolean {
  return error instanceof WalError && (error.code === 'WAL_IO' || error.code === 'WAL_FULL')
}
