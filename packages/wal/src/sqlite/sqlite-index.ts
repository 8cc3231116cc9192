/**
 * The index in SQLite. One thread writes it, a slice of batches at a time; queries read it here, on a connection of their own.
 * What it means is said by `memory-index.ts`.
 */
import {
  createLock,
  createOwner,
  now,
  type Resume,
  shield,
  sleep,
  suspend,
  throwIfCancelled,
} from '@ipfs-kit/concurrency'
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
import { packBatch, type PackedBatch, type Standing } from './calls.ts'
import type { SqliteQueries } from './queries.ts'
import { SqliteReader } from './reader.ts'
import { removeIndex } from './schema.ts'
import { SqliteThread } from './thread.ts'

/** Slices that the writer has or that wait for it: so many that it never waits for this thread. */
const slicesAtOnce = 2
/** Of a slice, which is one transaction. */
const sliceBytes = 1024 * 1024
const sliceRecords = 4096
/**
 * Between two slices that are not full the writer rests so long for each record of the first, at most, while nobody waits for
 * what it does: what changes more than once meanwhile is written once.
 */
const restMsPerRecord = 0.2
const mostRestMs = 100
/** How long it waits until it looks whether a volume that was full has room. */
const fullRestMs = 500

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

interface Given extends PackedBatch {
  readonly at: number
  readonly size: number
}

class OpenedSqliteIndex implements SqliteIndex {
  onReady: ((lane: string) => void) | undefined
  readonly #path: string
  readonly #isPassing: boolean
  #thread!: SqliteThread
  readonly #reader: SqliteReader
  #standing!: Standing
  /** Batches that were given and are not applied, and how many of them the writer has. */
  readonly #given: Given[] = []
  #taken = 0
  #slices = 0
  #queuedBytes = 0
  #takenBytes = 0
  #restsUntil = 0
  #isResting = false
  /** The volume was full: nothing is applied until there is room. */
  #isFull = false
  #isLooking = false
  readonly #rests = createOwner({ name: 'rests of an index' })
  #givenLsn = 0
  readonly #kept = new KeptOperations()
  readonly #retaining = createLock({ name: 'retention' })
  #isSweeping = false
  #isHeld = false
  #images = 0
  readonly #waiting = new Set<{ readonly isMet: () => boolean; readonly resume: Resume<void> }>()
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
      onFailed: (failure) => this.#refuse(failure),
    })
    this.#givenLsn = this.#standing.lsn
    try {
      this.#reader.open()
    } catch (error) {
      await this.#thread.close()
      throw error
    }
    this.#sweep()
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

  apply({ firstLsn, payloads }: Batch): void {
    if (this.failure !== undefined) return
    const packed = packBatch(firstLsn, payloads)
    const size = packed.bytes.byteLength
    this.#givenLsn = firstLsn + payloads.length - 1
    this.#queuedBytes += size
    this.#given.push({ ...packed, at: now(), size })
    this.#feed(slicesAtOnce)
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
    const image = this.#images
    const thread = this.#thread
    const head = await thread.call('imageBegin', image)
    return {
      head,
      async *parts() {
        for (;;) {
          const part = await thread.call('imagePart', image)
          if (part === undefined) return
          yield part
        }
      },
      async [Symbol.asyncDispose]() {
        try {
          if (thread.failure === undefined) await shield(() => thread.call('imageEnd', image))
        } catch (error) {
          // It has ended with its thread: whoever asked for its parts was told.
          if (error !== thread.failure) throw error
        }
      },
    }
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
    this.#isHeld = true
    try {
      await catchUp()
      await other.recovered()
      await (other as OpenedSqliteIndex).#end()
      await this.#thread.call('replace', `${this.#path}.next`)
      this.#reader.open()
      // What is in the log was given to both.
      this.#forgetApplied()
    } finally {
      this.#isHeld = false
      this.#feed(slicesAtOnce)
    }
  }

  stats(): IndexStats {
    const { lsn, recovering, totals } = this.#standing
    const oldest = this.#given[0]
    return Object.freeze({
      appliedLsn: lsn,
      lagMs: oldest === undefined ? 0 : now() - oldest.at,
      queuedBytes: this.#queuedBytes,
      ...totals,
      recovering,
      isFull: this.#isFull,
    })
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
    await this.#rests.close()
    this.#feed(Infinity)
    this.#reader.close()
    await this.#thread.close()
    if (this.#reader.isDamaged) removeIndex(this.#path)
    this.#refuse(this.#closed())
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

  /** Nothing that is waited for comes any more. */
  #refuse(failure: WalError): void {
    for (const { resume } of this.#waiting) resume.reject(failure)
    this.#waiting.clear()
  }

  /** Gives the writer what waits, while it has fewer slices than that. */
  #feed(slices: number): void {
    const mayFeed = !this.#isHeld && !this.#isFull
    while (mayFeed && this.#slices < slices && this.#taken < this.#given.length && !this.#rest()) {
      const slice: PackedBatch[] = []
      let bytes = 0
      let records = 0
      while (this.#taken < this.#given.length && bytes < sliceBytes && records < sliceRecords) {
        const { firstLsn, count, bytes: memory } = this.#given[this.#taken]!
        slice.push({ firstLsn, count, bytes: memory })
        bytes += memory.byteLength
        records += count
        this.#taken += 1
      }
      this.#takenBytes += bytes
      this.#restsUntil = now() + Math.min(mostRestMs, records * restMsPerRecord)
      this.#apply(slice)
    }
  }

  #apply(slice: readonly PackedBatch[]): void {
    this.#slices += 1
    const moved = slice.map(({ bytes }) => bytes)
    this.#thread.send('apply', slice, moved, (isFull) => {
      this.#slices -= 1
      this.#forgetApplied()
      this.#isFull = isFull
      if (isFull) {
        this.#waitForRoom()
      } else {
        this.#sweep()
        this.#feed(slicesAtOnce)
      }
    })
  }

  /** What the writer has applied was given to it. */
  #forgetApplied(): void {
    let applied = 0
    for (const { firstLsn, count, size } of this.#given) {
      if (firstLsn + count - 1 > this.#standing.lsn) break
      if (applied < this.#taken) this.#takenBytes -= size
      this.#queuedBytes -= size
      applied += 1
    }
    this.#given.splice(0, applied)
    this.#taken -= Math.min(applied, this.#taken)
  }

  /** The writer keeps what it could not apply; it is asked again after a while. Nobody is left to wait for it. */
  #waitForRoom(): void {
    this.#isFull = true
    this.#refuse(this.#noRoom())
    if (this.#slices > 0 || this.#isLooking || this.#closing !== undefined) return
    this.#isLooking = true
    const again = async (): Promise<void> => {
      await sleep(fullRestMs)
      this.#isLooking = false
      this.#apply([])
    }
    this.#rests.spawn(again, { name: 'wait of an index for room' })
  }

  #noRoom(): WalError {
    return new WalError(
      'WAL_FULL',
      `The index at ${this.#path} waits for room on the volume; what was acknowledged is in the log`,
    )
  }

  /** Whether the writer is left to rest; then it is given what waits when that is over. */
  #rest(): boolean {
    const isFull = this.#queuedBytes - this.#takenBytes >= sliceBytes
    const restMs = this.#restsUntil - now()
    if (restMs <= 0 || isFull || this.#waiting.size > 0 || this.#closing !== undefined) return false
    if (this.#isResting) return true
    this.#isResting = true
    const rest = async (): Promise<void> => {
      await sleep(restMs)
      this.#isResting = false
      this.#feed(slicesAtOnce)
    }
    this.#rests.spawn(rest, { name: 'rest of an index' })
    return true
  }

  #told(standing: Standing): void {
    this.#standing = standing
    for (const lane of standing.ready) this.onReady?.(lane)
    for (const one of this.#waiting) {
      if (!one.isMet()) continue
      this.#waiting.delete(one)
      one.resume.resolve()
    }
    // At the first word, of its opening, there is nothing to send with yet.
    if (this.#thread !== undefined) this.#sweep()
  }

  /** What is still to be recovered is shown as it will be, as counts and filters have it. */
  #asRecovered<Found extends LoggedOperation | undefined>(operation: Found): Found | LoggedOperation {
    const { openedLsn, openedAt } = this.#standing
    const isLeft = operation?.state === 'running' && operation.lsn < openedLsn
    return isLeft ? interrupted(operation, openedLsn, openedAt) : operation
  }

  /** Recovers what is left of older epochs, a slice between others. */
  #sweep(): void {
    if (this.#isSweeping || this.#isFull || this.#standing.recovering === 0) return
    this.#isSweeping = true
    this.#thread.send('sweep', undefined, [], (isFull) => {
      this.#isSweeping = false
      if (isFull) this.#waitForRoom()
      else this.#sweep()
    })
  }

  async #until(isMet: () => boolean, options: CallOptions | undefined): Promise<void> {
    options?.signal?.throwIfAborted()
    const { failure } = this.#thread
    if (failure !== undefined) throw failure
    if (this.#closing !== undefined) throw this.#closed()
    if (isMet()) return
    if (this.#isFull) throw this.#noRoom()
    await suspend<void>(
      (resume) => {
        const one = { isMet, resume }
        this.#waiting.add(one)
        this.#feed(slicesAtOnce)
        return () => {
          this.#waiting.delete(one)
        }
      },
      { what: 'index', ...(options?.signal && { signal: options.signal }) },
    )
  }

  #read<T>(query: (queries: SqliteQueries) => T): T {
    if (this.#closing !== undefined) throw this.#closed()
    return this.#reader.read(query)
  }
}
