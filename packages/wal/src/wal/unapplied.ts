/** What is acknowledged and the index may not have applied yet. */
import type { OperationIndex } from '../store/operation-index.ts'
import type { LoggedOperation } from '../store/operation.ts'

export class Unapplied {
  readonly #index: Pick<OperationIndex, 'appliedLsn'>
  /**
   * Operations as of records that the index may not have applied: those of `#earlier` may all be let go once the index has the
   * record `#turnAt`. They are let go together: a map out of which each was taken by itself would keep them as garbage, since
   * V8 links the tables of a map that is rehashed, and the oldest of them hold the newest from the old space.
   */
  #recent = new Map<number, LoggedOperation>()
  #earlier = new Map<number, LoggedOperation>()
  #turnAt = 0
  /** Operations that were removed, by the LSNs of the records of that. */
  readonly #removed = new Map<number, number>()
  /** How many more are unfinished, by the LSN of the last record of those that make it so. */
  readonly #ahead = new Map<number, number>()
  /** The sum of that. */
  #more = 0

  constructor(index: Pick<OperationIndex, 'appliedLsn'>) {
    this.#index = index
  }

  /** How many more operations are unfinished than the index has; fewer if negative. */
  get more(): number {
    return this.#more
  }

  /** An operation of whose newest change the index may not know. */
  get(id: number): LoggedOperation | undefined {
    const recent = this.#recent.get(id) ?? this.#earlier.get(id)
    return recent === undefined || recent.lsn <= this.#index.appliedLsn ? undefined : recent
  }

  isRemoved(id: number): boolean {
    return this.#removed.has(id)
  }

  /** An operation has changed by the record of its LSN. */
  changed(operation: LoggedOperation): void {
    this.#recent.set(operation.id, operation)
  }

  /** Operations were removed by a record. */
  removed(ids: readonly number[], lsn: number): void {
    for (const id of ids) this.#removed.set(id, lsn)
  }

  /** By records up to an LSN so many more are unfinished. */
  count(more: number, lsn: number): void {
    if (more === 0) return
    this.#ahead.set(lsn, more)
    this.#more += more
  }

  /** Lets go what the index has applied. @param acknowledged - the LSN of the newest record that was told of here */
  forgetApplied(acknowledged: number): void {
    const { appliedLsn } = this.#index
    for (const [lsn, more] of this.#ahead) {
      if (lsn > appliedLsn) break
      this.#ahead.delete(lsn)
      this.#more -= more
    }
    for (const [id, lsn] of this.#removed) {
      if (lsn > appliedLsn) break
      this.#removed.delete(id)
    }
    if (appliedLsn < this.#turnAt) return
    this.#earlier = this.#recent
    this.#recent = new Map()
    this.#turnAt = acknowledged
  }
}
