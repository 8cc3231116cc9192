/**
 * The index in SQLite. One thread writes it, which is fed by `feed.ts`; queries read it here, on a connection of their own.
 * What it means is said by `memory-index.ts`.
 */
import { createLock, shield, throwIfCancelled } from '@ipfs-kit/concurrency'
import { interrupted } from '../store/change.ts'
import { WalError } from '../errors.ts'
import type { Batch, CallOptions } from '../log/log.ts'
import type { LoggedOperation } from '../store/operation.ts'
import type {
  ImageHead,
  IndexImage,
  IndexPart,
  IndexStats,
  KeyEntry,
  OperationCount,
  OperationFilter,
  OperationIndex,
  OperationQuery,
  Retention,
} from '../store/operation-index.ts'
import { type Keeping, KeptOperations } from '../store/kept-operations.ts'
import type { Standing } from './calls.ts'
import { Feed } from './feed.ts'
import type { SqliteQueries } from './queries.ts'
import { SqliteReader } from './reader.ts'
import { removeIndex } from './schema.ts'
import { StandingWaits } from './standing-waits.ts'
import { openImage } from './thread-image.ts'
import { SqliteThread } from './thread.ts'

/** An index in SQLite. */
export interface SqliteIndex extends OperationIndex {
  /** CRC-32 of the payload of the record at `appliedLsn`; 0 if that is not known. */
  readonly appliedCrc: number
}

/**
 * Opens the index in a file. One that is damaged, not whole or of another version is made anew, and is empty then.
 *
 * @throws WalError WAL_INDEX_FAILED
 */
export async function openSqliteIndex(path: string): Promise<SqliteIndex> {
  const index = new OpenedSqliteIndex(path, false)
  await index.open()
  return index
}

class OpenedSqliteIndex implements SqliteIndex {
  onReady: ((lane: string) => void) | undefined
  readonly #path: string
  readonly #isPassing: boolean
  #thread!: SqliteThread
  readonly #reader: SqliteReader
  #standing!: Standing
  #feed!: Feed
  #givenLsn = 0
  readonly #kept = new KeptOperations()
  readonly #retaining = createLock({ name: 'retention' })
  #images = 0
  readonly #waits = new StandingWaits()
  #closing: Promise<void> | undefined

  /** One that is passing takes its files with it when it is closed. */
  constructor(path: string, isPassing: boolean) {
    this.#path = path
    this.#isPassing = isPassing
    this.#reader = new SqliteReader(path)
  }

  async open(): Promise<void> {
    this.#thread = await SqliteThread.start(this.#path, {
      onStanding: (standing) => this.#told(standing),
      onFailed: (failure) => this.#waits.refuse(failure),
    })
    this.#givenLsn = this.#standing.lsn
    try {
      this.#reader.open()
    } catch (error) {
      await this.#thread.close()
      throw error
    }
    this.#feed = new Feed({
      thread: this.#thread,
      standing: () => this.#standing,
      isAwaited: () => this.#waits.size > 0,
      // Nobody is left to wait for it.
      onFull: () => this.#waits.refuse(this.#noRoom()),
    })
    this.#feed.told()
  }

  get appliedLsn(): number {
    return this.#standing.lsn
  }

  get appliedCrc(): number {
    return this.#standing.crc
  }

  get epoch(): number {
    return this.#standing.epoch
  }

  get failure(): WalError | undefined {
    return this.#thread.failure
  }

  apply(batch: Batch): void {
    if (this.failure !== undefined) return
    this.#givenLsn = batch.firstLsn + batch.payloads.length - 1
    this.#feed.give(batch)
  }

  async applied(lsn: number, options?: CallOptions): Promise<void> {
    await this.#until(() => this.#standing.lsn >= lsn, options)
  }

  async recovered(options?: CallOptions): Promise<void> {
    await this.applied(this.#givenLsn, options)
    await this.#until(() => this.#standing.recovering === 0, options)
  }

  get(id: number): LoggedOperation | undefined {
    return this.#read((queries) => this.#asRecovered(queries.get(id)))
  }

  byKey(key: string): KeyEntry | undefined {
    return this.#read((queries) => queries.byKey(key))
  }

  list(query: OperationQuery): LoggedOperation[] {
    return this.#read((queries) => queries.list(query).map((operation) => this.#asRecovered(operation)))
  }

  counts(): OperationCount[] {
    return this.#read((queries) => queries.counts())
  }

  lanes(): string[] {
    return this.#read((queries) => queries.lanes())
  }

  due(lane: string, time: number, limit: number): LoggedOperation[] {
    return this.#read((queries) => queries.due(lane, time, limit))
  }

  nextDue(lane: string, time: number): number | undefined {
    return this.#read((queries) => queries.nextDue(lane, time))
  }

  expired(time: number, limit: number): number[] {
    return this.#read((queries) => queries.expired(time, limit))
  }

  nextExpiry(time: number): number | undefined {
    return this.#read((queries) => queries.nextExpiry(time))
  }

  finished(filter: OperationFilter & { readonly finishedBefore?: number }, limit: number): number[] {
    return this.#read((queries) => queries.finished(filter, limit))
  }

  retainedCids(): string[] {
    return this.#read((queries) => queries.retainedCids())
  }

  async retain(retention: Retention) {
    // What an opening has ended is taken away by its end, which its row has to have.
    await this.recovered()
    let operations = 0
    let keys = 0
    for (;;) {
      throwIfCancelled()
      const slice = await this.#retainSome(retention)
      operations += slice.operations
      keys += slice.keys
      if (slice.isDone) return { operations, keys }
    }
  }

  keep(ids: readonly number[]): Keeping {
    return this.#kept.keep(ids)
  }

  async retained(options?: CallOptions): Promise<void> {
    using _turn = await this.#retaining.acquire({ ...(options?.signal && { signal: options.signal }) })
  }

  async image(options?: CallOptions): Promise<IndexImage> {
    await this.recovered(options)
    this.#images += 1
    return await openImage(this.#thread, this.#images)
  }

  async load(head: Pick<ImageHead, 'lsn' | 'epoch'>, parts: AsyncIterable<IndexPart>): Promise<void> {
    await this.#thread.call('loadBegin', undefined)
    this.#reader.open()
    for await (const part of parts) await this.#thread.call('loadPart', part)
    await this.#thread.call('loadEnd', { lsn: head.lsn, epoch: head.epoch })
    this.#givenLsn = head.lsn
  }

  async beside(): Promise<OperationIndex> {
    const path = `${this.#path}.next`
    removeIndex(path)
    const index = new OpenedSqliteIndex(path, true)
    await index.open()
    return index
  }

  async become(other: OperationIndex, catchUp: () => Promise<void>): Promise<void> {
    // What is in the log was given to both.
    using _held = this.#feed.hold()
    await catchUp()
    await other.recovered()
    await (other as OpenedSqliteIndex).#end()
    await this.#thread.call('replace', `${this.#path}.next`)
    this.#reader.open()
  }

  stats(): IndexStats {
    const { lsn, recovering, totals } = this.#standing
    return Object.freeze({ appliedLsn: lsn, ...this.#feed.stats(), ...totals, recovering })
  }

  async close(): Promise<void> {
    await this.#end()
    if (this.#isPassing) removeIndex(this.#path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #end(): Promise<void> {
    this.#closing ??= shield(() => this.#close())
    await this.#closing
  }

  async #close(): Promise<void> {
    await this.#feed.close()
    this.#reader.close()
    await this.#thread.close()
    if (this.#reader.isDamaged) removeIndex(this.#path)
    this.#waits.refuse(this.#closed())
  }

  #closed(): WalError {
    return new WalError('WAL_CLOSED', `The index at ${this.#path} is closed`)
  }

  /** One that is under way is waited for, whoever asked for it: what is kept from now on it may take. */
  async #retainSome(retention: Retention) {
    using _turn = await this.#retaining.acquire()
    const kept = this.#kept.ids(this.appliedLsn)
    return await shield(() => this.#thread.call('retain', { ...retention, kept }))
  }

  #noRoom(): WalError {
    return new WalError(
      'WAL_FULL',
      `The index at ${this.#path} waits for room on the volume; what was acknowledged is in the log`,
    )
  }

  #told(standing: Standing): void {
    this.#standing = standing
    for (const lane of standing.ready) this.onReady?.(lane)
    this.#waits.told()
    // At the first word, of its opening, there is nothing to feed yet.
    if (this.#feed !== undefined) this.#feed.told()
  }

  /** What is still to be recovered is shown as it will be, as counts and filters have it. */
  #asRecovered<Found extends LoggedOperation | undefined>(operation: Found): Found | LoggedOperation {
    const { openedLsn, openedAt } = this.#standing
    const isLeft = operation?.state === 'running' && operation.lsn < openedLsn
    return isLeft ? interrupted(operation, openedLsn, openedAt) : operation
  }

  async #until(isMet: () => boolean, options: CallOptions | undefined): Promise<void> {
    options?.signal?.throwIfAborted()
    const { failure } = this.#thread
    if (failure !== undefined) throw failure
    if (this.#closing !== undefined) throw this.#closed()
    if (isMet()) return
    if (this.#feed.isFull) throw this.#noRoom()
    await this.#waits.wait(isMet, () => this.#feed.go(), options?.signal)
  }

  #read<T>(query: (queries: SqliteQueries) => T): T {
    if (this.#closing !== undefined) throw this.#closed()
    return this.#reader.read(query)
  }
}
