/** An open store of operations. */
import { type Owner, shield, type WaitOptions } from '@ipfs-kit/concurrency'
import type { AppendPace } from './append-pace.ts'
import { checkCallOptions } from '../checks.ts'
import type { Checkpoints } from './checkpoints.ts'
import { WalError } from '../errors.ts'
import { applyLog, fillIndex, type FillSource } from './fill-index.ts'
import type { Batch, CallOptions, Log } from '../log/log.ts'
import type { OperationIndex, Retention } from './operation-index.ts'
import type { OperationStore, StoreFinding, StoreStats, StoreVerifyReport } from './operation-store.ts'
import { findSnapshot } from './read-snapshot.ts'
import { encodeRecord, type WalRecord } from './record.ts'
import { verifyStore } from './verify-store.ts'

/** How often retention is asked for while no checkpoint does it. */
const retainEveryMs = 60_000

/** What an open store is made of. */
export interface OpenedStoreOptions extends FillSource {
  readonly log: Log
  readonly index: OperationIndex
  readonly owner: Owner
  readonly clock: () => number
  readonly findings: readonly StoreFinding[]
  readonly checkpoints: Checkpoints
  readonly pace: AppendPace
  readonly retention: () => Retention
  readonly maxUnfinishedBytes: number
}

export class OpenedStore implements OperationStore {
  readonly epoch: number
  readonly #options: OpenedStoreOptions
  /** Bytes of operations that are on their way into the log. */
  #addingBytes = 0
  #retainedAt: number
  #isRetaining = false
  #closing: Promise<void> | undefined

  constructor(options: OpenedStoreOptions) {
    this.#options = options
    this.epoch = options.index.epoch + 1
    this.#retainedAt = options.clock()
  }

  get log(): Log {
    return this.#options.log
  }

  get index(): OperationIndex {
    return this.#options.index
  }

  get findings(): readonly StoreFinding[] {
    return this.#options.findings
  }

  async append(records: readonly WalRecord[], options?: CallOptions): Promise<number[]> {
    checkCallOptions(options)
    const { log, index, pace } = this.#options
    const payloads: Uint8Array[] = []
    let bytes = 0
    let added = 0
    for (const record of records) {
      const payload = encodeRecord(record)
      payloads.push(payload)
      bytes += payload.length
      if (record.kind === 'add') added += payload.length
    }
    await this.#open(() => pace.turn(bytes, options))
    if (index.failure !== undefined) throw index.failure
    if (added > 0) this.#checkRoom(added)
    this.#addingBytes += added
    pace.passing(bytes)
    try {
      return await log.appendMany(payloads, options)
    } finally {
      this.#addingBytes -= added
      pace.passed(bytes)
    }
  }

  /** A batch was acknowledged. */
  acknowledged(batch: Batch): void {
    const { log, index, pace, checkpoints } = this.#options
    index.apply(batch)
    pace.appended(batch, log.stats().bytes)
    if (this.#closing !== undefined || index.failure !== undefined) return
    if (checkpoints.isDue) checkpoints.begin()
    else this.#retainSoon()
  }

  async checkpoint(options?: CallOptions): Promise<void> {
    checkCallOptions(options)
    const { checkpoints } = this.#options
    await this.#open(async () => {
      // One that is under way may have begun before what the caller wants in it.
      if (checkpoints.running !== undefined) await checkpoints.running.join(waitOf(options))
      const failure = await checkpoints.begin().join(waitOf(options))
      if (failure !== undefined) throw failure
    })
  }

  async rebuildIndex(options?: CallOptions): Promise<void> {
    checkCallOptions(options)
    const { log, index, disk, folder, checkpoints } = this.#options
    const rebuild = async (): Promise<void> => {
      await using fresh = await index.beside()
      const [found] = await fillIndex(fresh, this.#options, await findSnapshot(disk, folder))
      if (found !== undefined) {
        throw new WalError('WAL_CORRUPT', `The index cannot be made anew: ${found.message}`)
      }
      options?.signal?.throwIfAborted()
      await index.become(fresh, () => applyLog(fresh, log, fresh.appliedLsn + 1))
    }
    await this.#open(() => checkpoints.between(rebuild, waitOf(options)))
  }

  async verify(options?: CallOptions): Promise<StoreVerifyReport> {
    checkCallOptions(options)
    const verify = (): Promise<StoreVerifyReport> => verifyStore(this.#options, options)
    return await this.#open(() => this.#options.checkpoints.between(verify, waitOf(options)))
  }

  stats(): StoreStats {
    const { checkpoints, pace } = this.#options
    const { snapshotLsn, made, failure } = checkpoints
    return Object.freeze({
      ...(snapshotLsn !== undefined && { snapshotLsn }),
      checkpoints: made,
      checkpointFailure: failure,
      slowed: pace.slowed,
    })
  }

  async close(): Promise<void> {
    this.#closing ??= shield(() => this.#close())
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const { owner, log, index } = this.#options
    await using closing = new AsyncDisposableStack()
    closing.use(index)
    closing.use(log)
    closing.use(owner)
  }

  /** @throws WalError WAL_BUSY */
  #checkRoom(bytes: number): void {
    const { index, maxUnfinishedBytes } = this.#options
    const { unfinishedBytes, queuedBytes } = index.stats()
    const all = unfinishedBytes + queuedBytes + this.#addingBytes + bytes
    if (all <= maxUnfinishedBytes) return
    throw new WalError(
      'WAL_BUSY',
      `Unfinished operations would take ${all} bytes, more than maxUnfinishedBytes, ${maxUnfinishedBytes}`,
    )
  }

  /** Does something of an open store; what is cut short by its end is told so. @throws WalError WAL_CLOSED */
  async #open<T>(work: () => Promise<T>): Promise<T> {
    const closed = (cause?: unknown): WalError =>
      new WalError('WAL_CLOSED', `The store at ${this.#options.folder} is closed`, { cause })
    if (this.#closing !== undefined) throw closed()
    try {
      return await work()
    } catch (error) {
      const isCut = this.#closing !== undefined && !(error instanceof WalError)
      throw isCut ? closed(error) : error
    }
  }

  #retainSoon(): void {
    const { clock, owner, index, retention } = this.#options
    const isDue = Math.abs(clock() - this.#retainedAt) >= retainEveryMs
    if (!isDue || this.#isRetaining) return
    this.#isRetaining = true
    const work = async (): Promise<void> => {
      try {
        await index.retain(retention())
      } catch (error) {
        // Who appends next is told.
        if (error !== index.failure && !isFull(error)) throw error
      } finally {
        this.#isRetaining = false
        this.#retainedAt = clock()
      }
    }
    owner.spawn(work, { name: 'retention' })
  }
}

function isFull(error: unknown): boolean {
  return error instanceof WalError && error.code === 'WAL_FULL'
}

function waitOf(options: CallOptions | undefined): WaitOptions {
  return options?.signal === undefined ? {} : { signal: options.signal }
}
