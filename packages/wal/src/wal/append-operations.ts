/** Turns operations that were asked for into records: finds those whose key was used before, and what they depend on. */
import { createKeyedLock } from '@ipfs-kit/concurrency'
import { WalError } from '../errors.ts'
import type { Claim, Ledger } from './ledger.ts'
import type { AddRecord, Admitted } from './new-operation.ts'
import type { LoggedOperation } from '../store/operation.ts'
import { digestOf } from '../store/params-digest.ts'
import { promised } from '../store/record.ts'
import type { Appended } from './wal.ts'

/** Operations of one batch, looked up. */
export interface Batch {
  /** Those that are new, to be written in this order and behind one another. */
  readonly records: readonly AddRecord[]
  /** The new ones, by the LSN of their first record, and as they were written. */
  readonly made: (firstLsn: number, records: readonly AddRecord[]) => LoggedOperation[]
  /** All of them, in the order of asking. */
  readonly answers: (made: readonly LoggedOperation[]) => Appended[]
}

/** An operation of the batch: there already, or the nth new one. */
type Slot = { readonly found: LoggedOperation } | { readonly nth: number }

/** A key that the index may not have yet. */
interface RecentKey {
  readonly id: number
  readonly digest: string
}

export class Appender {
  readonly #ledger: Ledger
  readonly #maxUnfinished: number
  readonly #claim: (record: AddRecord) => Claim | undefined
  readonly #locks = createKeyedLock<string>({ name: 'idempotency key' })
  readonly #recent = new Map<string, RecentKey>()

  /** @param claim - room for an operation that may begin with its promise */
  constructor(ledger: Ledger, maxUnfinished: number, claim: (record: AddRecord) => Claim | undefined) {
    this.#ledger = ledger
    this.#maxUnfinished = maxUnfinished
    this.#claim = claim
  }

  /**
   * Appends a batch, under the lock of its keys.
   *
   * @throws WalError WAL_DEPENDENCY, WAL_KEY_CONFLICT, WAL_BUSY, and as `Log.appendMany`; the reason of the signal
   */
  async append(admitted: readonly Admitted[], signal?: AbortSignal): Promise<Appended[]> {
    const { records, made, answers } = this.lookUp(admitted)
    const [first] = records
    if (first === undefined) return answers([])
    // Of several the best begins, which one has to know all of them for.
    const claim = records.length > 1 ? undefined : () => this.#claim(first)
    return answers(await this.#ledger.commit(records, made, { signal, claim }))
  }

  /** The same for one that has keys, which are taken until it is written: nobody may leave it before. */
  async appendWithKeys(admitted: readonly Admitted[]): Promise<Appended[]> {
    using _keys = await this.lock(admitted)
    return await this.append(admitted)
  }

  /** Takes the keys of a batch, so that nobody else appends with one of them until they are given back. */
  async lock(admitted: readonly Admitted[]): Promise<Disposable> {
    using taking = new DisposableStack()
    const keys = new Set(admitted.flatMap(({ record: { key } }) => (key === undefined ? [] : [key])))
    // In one order, so that two batches do not wait for each other.
    for (const key of [...keys].sort()) taking.use(await this.#locks.acquire(key))
    return taking.move()
  }

  /** Looks up keys and dependencies, under the lock of its keys. @throws WalError WAL_DEPENDENCY, WAL_KEY_CONFLICT, WAL_BUSY */
  lookUp(admitted: readonly Admitted[]): Batch {
    const slots: Slot[] = []
    const records: AddRecord[] = []
    const byKey = new Map<string, number>()
    for (const { record, afterInBatch } of admitted) {
      const earlier = record.key === undefined ? undefined : byKey.get(record.key)
      const slot =
        earlier === undefined ? this.#usedKey(record) : this.#sameInBatch(record, records[earlier]!, earlier)
      slots.push(slot ?? { nth: records.length })
      if (slot !== undefined) continue
      if (record.key !== undefined) byKey.set(record.key, records.length)
      records.push(this.#withDependencies(record, afterInBatch, slots, records.length))
    }
    const { unfinished, promising } = this.#ledger
    if (unfinished + promising + records.length > this.#maxUnfinished) {
      throw new WalError(
        'WAL_BUSY',
        `There are ${unfinished + promising} unfinished operations; there may be ${this.#maxUnfinished}`,
      )
    }
    return {
      records,
      made: (firstLsn, written) => written.map((record, nth) => this.#made(firstLsn + nth, record)),
      answers: (made) =>
        slots.map((slot) =>
          'found' in slot
            ? { operation: slot.found, isNew: false }
            : { operation: made[slot.nth]!, isNew: true },
        ),
    }
  }

  /** The operation that has its key, if there is one. */
  #usedKey(record: AddRecord): Slot | undefined {
    const { key } = record
    if (key === undefined) return undefined
    const entry = this.#recent.get(key) ?? this.#ledger.store.index.byKey(key)
    if (entry === undefined) return undefined
    if (entry.digest !== digestOf(record))
      throw conflict(key, `operation ${entry.id}, which asks for something else`)
    const found = this.#ledger.load(entry.id)
    if (found === undefined) throw conflict(key, `operation ${entry.id}, which has ended and was let go`)
    return { found }
  }

  #sameInBatch(record: AddRecord, other: AddRecord, nth: number): Slot {
    if (digestOf(record) === digestOf(other)) return { nth }
    throw conflict(record.key!, 'another operation of the same batch, which asks for something else')
  }

  /** The record with its dependencies: those in the batch that are there already are like any other. */
  #withDependencies(
    record: AddRecord,
    afterInBatch: readonly number[],
    slots: readonly Slot[],
    own: number,
  ): AddRecord {
    if (record.after.length === 0 && afterInBatch.length === 0) return record
    const after = new Set(record.after)
    const before = new Set<number>()
    for (const place of afterInBatch) {
      const slot = slots[place]!
      if ('found' in slot) after.add(slot.found.id)
      else before.add(own - slot.nth)
    }
    for (const id of after) this.#checkDependency(id)
    return { ...record, after: [...after], ...(before.size > 0 && { before: [...before] }) }
  }

  #checkDependency(id: number): void {
    const state = this.#ledger.load(id)?.state
    if (state !== undefined && state !== 'failed' && state !== 'cancelled') return
    throw new WalError(
      'WAL_DEPENDENCY',
      `Operation ${id}, which has to be completed before, ${state ?? 'is not there'}`,
    )
  }

  #made(lsn: number, record: AddRecord): LoggedOperation {
    const operation = promised(lsn, record)
    const done = operation.after.filter((id) => this.#ledger.load(id)?.state === 'completed')
    const { key } = record
    if (key !== undefined) this.#noteKey(key, { id: lsn, digest: digestOf(record) })
    return done.length === 0 ? operation : { ...operation, waitingFor: operation.waitingFor - done.length }
  }

  #noteKey(key: string, entry: RecentKey): void {
    const { appliedLsn } = this.#ledger.store.index
    for (const [old, { id }] of this.#recent) {
      if (id > appliedLsn) break
      this.#recent.delete(old)
    }
    this.#recent.set(key, entry)
  }
}

/** Whether keys have to be taken for a batch. */
export function hasKeys(admitted: readonly Admitted[]): boolean {
  return admitted.some(({ record }) => record.key !== undefined)
}

function conflict(key: string, what: string): WalError {
  return new WalError('WAL_KEY_CONFLICT', `The key ${JSON.stringify(key)} was used for ${what}`)
}
