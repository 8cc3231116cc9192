/**
 * The one place that writes records of operations and knows what they have made: an operation is shown as changed once the
 * record of that is acknowledged, and one transition of it comes after the other.
 */
import { checkpoint, createKeyedLock, suspend, type Permit, type Resume } from '@ipfs-kit/concurrency'
import type { Calls } from './calls.ts'
import { changed } from '../store/change.ts'
import { WalError } from '../errors.ts'
import type { CallOptions } from '../log/log.ts'
import type { Keeping } from '../store/kept-operations.ts'
import { isFinished, type LoggedOperation } from '../store/operation.ts'
import type { OperationChange } from './wal.ts'
import type { OperationStore } from '../store/operation-store.ts'
import type { ChangeRecord, WalRecord } from '../store/record.ts'
import { Unapplied } from './unapplied.ts'

/** What {@link Ledger} tells. */
export interface LedgerListener {
  /** An operation has changed. It is told in the order of LSNs. */
  readonly changed: (change: OperationChange) => void
}

/** Room for an attempt that begins with the promise of its operation. One of the two is called, once. */
export interface Claim {
  /** It is promised, and running. */
  begin(operation: LoggedOperation): void
  giveUp(): void
}

/** Options of {@link Ledger.commit}. */
export interface CommitOptions extends CallOptions {
  /** Of one `add` alone: asked when it is about to be written; if there is room it begins with its promise. */
  readonly claim?: (() => Claim | undefined) | undefined
}

/** Records that are to be written as one. */
interface Commit extends Pick<CommitOptions, 'claim'> {
  readonly records: readonly WalRecord[]
  // A method: its records are those above, of whatever kind.
  make(firstLsn: number, records: readonly WalRecord[]): readonly LoggedOperation[]
  readonly written: Resume<readonly LoggedOperation[]>
  /** Of what the records are about. */
  readonly keeping: Keeping | undefined
}

/** One that is being written. */
interface Writing extends Omit<Commit, 'claim'> {
  readonly claim: Claim | undefined
}

/** A record of a change before its operation is named and its time is known. */
export type Unstamped = ChangeRecord extends infer R
  ? R extends ChangeRecord
    ? Omit<R, 'at' | 'id'>
    : never
  : never

/** Codes after which nothing is written any more. */
const lasting: ReadonlySet<string> = new Set(['WAL_SYNC_FAILED', 'WAL_INDEX_FAILED', 'WAL_CLOSED'])
/** Codes that others of a batch may not be refused with. */
const ofOne: ReadonlySet<string> = new Set(['WAL_TOO_LARGE', 'WAL_BUSY'])
/** Commits that are written at once. */
const mostAtOnce = 1024

export class Ledger {
  readonly store: OperationStore
  /** The time of the wall, for records. */
  readonly clock: () => number
  /** The error that stopped the log: nothing is written any more. */
  failure: WalError | undefined
  /** The error with which the last write was refused, if it was: the next one may succeed. */
  refusal: WalError | undefined
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
  readonly #calls: Calls
  readonly #listener: LedgerListener
  readonly #unapplied: Unapplied
  /** What waits to be written. */
  #waiting: Commit[] = []
  #isWriting = false

  /** @param calls - has what is being written */
  constructor(store: OperationStore, clock: () => number, calls: Calls, listener: LedgerListener) {
    this.store = store
    this.clock = clock
    this.#calls = calls
    this.#listener = listener
    this.acknowledged = store.log.stats().nextLsn - 1
    this.#unapplied = new Unapplied(store.index)
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
   *
   * @throws WalError WAL_INDEX_FAILED
   */
  load(id: number): LoggedOperation | undefined {
    if (this.#unapplied.isRemoved(id)) return undefined
    const recent = this.#unapplied.get(id)
    if (recent !== undefined) return recent
    try {
      return this.store.index.get(id)
    } catch (error) {
      this.#noteFailure(error)
      throw error
    }
  }

  /** Whether the index knows of the newest change of an operation. */
  isApplied(id: number): boolean {
    return this.#unapplied.get(id) === undefined
  }

  /** Waits until the index has all that is acknowledged. @throws WalError WAL_INDEX_FAILED, WAL_FULL; the reason of the signal */
  async applied(options?: CallOptions): Promise<void> {
    try {
      await this.store.index.applied(this.acknowledged, options)
    } catch (error) {
      this.#noteFailure(error)
      throw error
    }
  }

  /** Operations that have not ended. */
  get unfinished(): number {
    this.#unapplied.forgetApplied(this.acknowledged)
    return this.store.index.stats().unfinished + this.#unapplied.more
  }

  /** Nothing is begun and written any more, for this reason. @throws what is no WalError */
  stop(error: unknown): void {
    if (!(error instanceof WalError)) throw error
    this.failure ??= error
  }

  /** Whether an operation is there and has not ended. */
  isUnfinished(id: number): boolean {
    const operation = this.load(id)
    return operation !== undefined && !isFinished(operation)
  }

  /** Writes changes of one operation as one, and gives it as it is then. Whoever calls has its turn. */
  change(operation: LoggedOperation, changes: readonly Unstamped[]): Promise<readonly [LoggedOperation]> {
    const { records, made } = this.stamp(operation, changes)
    return this.commit(records, (firstLsn) => [made(firstLsn)] as const)
  }

  /** Changes of one operation as records, and what they make of it when they have LSNs. */
  stamp(operation: LoggedOperation, changes: readonly Unstamped[]) {
    const at = this.clock()
    const records = changes.map((change) => ({ ...change, at, id: operation.id }) as ChangeRecord)
    const made = (firstLsn: number) =>
      records.reduce((current, record, nth) => changed(current, firstLsn + nth, record), operation)
    return { records, made }
  }

  /**
   * Writes records as one, shows what they make, and gives it. Who leaves meanwhile leaves that to be done.
   *
   * @param make - the operations after them, as they were written, once it is known which LSN the first one has
   * @throws WalError as `Log.appendMany`; the reason of the signal
   */
  commit<Made extends readonly LoggedOperation[], Record extends WalRecord>(
    records: readonly Record[],
    make: (firstLsn: number, records: readonly Record[]) => Made,
    { signal, claim }: CommitOptions = {},
  ): Promise<Made> {
    const begin = (written: Resume<Made>) => {
      if (this.failure !== undefined) throw this.failure
      const about = records.flatMap(aboutOthers)
      const keeping = about.length === 0 ? undefined : this.store.index.keep(about)
      this.#waiting.push({
        records,
        make,
        written: written as Resume<readonly LoggedOperation[]>,
        keeping,
        claim,
      })
      this.promising += addsOf(records)
      this.#wake()
      return noUndo
    }
    return suspend(begin, signal === undefined ? committing : { ...committing, signal })
  }

  #wake(): void {
    if (this.#isWriting) return
    this.#isWriting = true
    this.#calls.spawn(() => this.#run(), 'write records of operations')
  }

  /** Writes what waits, all of it as one: what is begun in one go costs no more than one append. */
  async #run(): Promise<void> {
    for (;;) {
      const batch = this.#waiting.splice(0, mostAtOnce)
      if (batch.length === 0) break
      await this.#write(batch)
      // Who was answered may go on at once: the next batch is for all of them, and not for the first.
      if (batch.length > 1) await checkpoint()
    }
    this.#isWriting = false
  }

  async #write(batch: readonly Commit[]): Promise<void> {
    const { epoch } = this.store
    const writing = batch.map((commit): Writing => claimed(commit, epoch))
    try {
      if (this.failure !== undefined) throw this.failure
      const [firstLsn] = await this.store.append(writing.flatMap(({ records }) => records))
      this.refusal = undefined
      this.#written(writing, firstLsn!)
    } catch (error) {
      this.#noteFailure(error)
      if (isDiskTrouble(error)) this.refusal = error
      for (const { claim } of writing) claim?.giveUp()
      if (batch.length > 1 && error instanceof WalError && ofOne.has(error.code)) {
        const half = batch.length >> 1
        await this.#write(batch.slice(0, half))
        await this.#write(batch.slice(half))
        return
      }
      for (const { records, written, keeping } of batch) {
        this.promising -= addsOf(records)
        keeping?.[Symbol.dispose]()
        written.reject(error)
      }
    }
  }

  /** Shows what is written. What comes of showing it is told to whoever asked for it. */
  #written(batch: readonly Writing[], firstLsn: number): void {
    this.#count(batch, firstLsn)
    let nextLsn = firstLsn
    for (const { records, make, written, keeping, claim } of batch) {
      const lsn = nextLsn
      nextLsn += records.length
      keeping?.until(nextLsn - 1)
      this.acknowledged = nextLsn - 1
      this.promising -= addsOf(records)
      try {
        const made = make(lsn, records)
        for (const operation of made) this.#unapplied.changed(operation)
        claim?.begin(made[0]!)
        for (const operation of made) this.#listener.changed({ lsn: operation.lsn, operation })
        written.resolve(made)
      } catch (error) {
        written.reject(error)
      }
    }
    this.#unapplied.forgetApplied(this.acknowledged)
  }

  #count(batch: readonly Writing[], firstLsn: number): void {
    let lsn = firstLsn - 1
    let more = 0
    for (const { records } of batch) {
      lsn += records.length
      for (const record of records) {
        const { kind } = record
        if (kind === 'add' || kind === 'retry') more += 1
        else if (kind === 'fail' && record.retryAt !== undefined) this.retried += 1
        else if (kind === 'complete' || kind === 'fail' || kind === 'cancel') more -= 1
        else if (kind === 'delete') this.#unapplied.removed(record.ids, lsn)
        if (kind === 'complete') this.completed += 1
        else if (kind === 'fail' && record.retryAt === undefined) this.failed += 1
      }
    }
    this.#unapplied.count(more, lsn)
  }

  #noteFailure(error: unknown): void {
    if (error instanceof WalError && lasting.has(error.code)) this.failure ??= error
  }
}

/** A commit as it is written: its operation begins if there is room. */
function claimed({ claim: ask, ...commit }: Commit, epoch: number): Writing {
  const claim = ask?.()
  if (claim === undefined) return { ...commit, claim }
  return { ...commit, claim, records: commit.records.map((record) => ({ ...record, epoch }) as WalRecord) }
}

/** Operations that a record is about, which may have ended when the index gets it, or before. */
function aboutOthers(record: WalRecord): readonly number[] {
  if (record.kind === 'add') return record.after
  return record.kind === 'retry' ? [record.id, ...(record.after ?? [])] : []
}

function addsOf(records: readonly WalRecord[]): number {
  return records.reduce((adds, { kind }) => adds + (kind === 'add' ? 1 : 0), 0)
}

/** Made once: there are as many as commits. */
const committing = { what: 'record of an operation' }
const noUndo = (): void => {}

/** Whether the disk took nothing this time, and may take it the next: a failed write, or a volume that is full. */
export function isDiskTrouble(error: unknown): error is WalError {
  return error instanceof WalError && (error.code === 'WAL_IO' || error.code === 'WAL_FULL')
}
