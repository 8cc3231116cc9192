/** The public face of an open log. */
import { type Owner, shield, sleep } from '@ipfs-kit/concurrency'
import type { Disk } from '@ipfs-kit/disk'
import { checkCallOptions, checkLsn, checkPayloads } from '../checks.ts'
import { WalError } from '../errors.ts'
import { GroupCommit } from './group-commit.ts'
import type { Batch, CallOptions, Finding, Log, LogStats, Mode, ReadOptions, VerifyReport } from './log.ts'
import { readLog, type ReadSource } from './read-log.ts'
import type { Segments } from './segments.ts'
import { verifySegments } from './verify.ts'

/** What an open log is made of. */
export interface OpenedLogOptions {
  readonly disk: Disk
  readonly folder: string
  readonly owner: Owner
  readonly segments: Segments
  readonly segmentBytes: number
  readonly mode: Mode
  readonly intervalMs: number
  readonly maxRecordBytes: number
  readonly maxQueuedBytes: number
  readonly capacity: number
  readonly onBatch: ((batch: Batch) => void) | undefined
  readonly findings: readonly Finding[]
  /** What is closed at the end. */
  readonly resources: AsyncDisposableStack
}

export class OpenedLog implements Log {
  readonly #options: OpenedLogOptions
  readonly #commit: GroupCommit
  readonly #source: ReadSource
  #isSyncDue = false
  #closing: Promise<void> | undefined

  constructor(options: OpenedLogOptions) {
    this.#options = options
    const { disk, folder, owner, segments, mode, maxQueuedBytes, capacity, onBatch } = options
    this.#commit = new GroupCommit({
      segments,
      owner,
      mode,
      maxQueuedBytes,
      capacity,
      onBatch,
      onUnsynced: () => this.#syncSoon(),
    })
    this.#source = {
      disk,
      folder,
      segments: segments.all,
      check: () => {
        if (this.#closing !== undefined) throw new WalError('WAL_CLOSED', `The log at ${folder} is closed`)
      },
    }
  }

  get maxRecordBytes(): number {
    return this.#options.maxRecordBytes
  }

  get findings(): readonly Finding[] {
    return this.#options.findings
  }

  // Not an async function: its promise would be the second one of an append.
  append(payload: Uint8Array, options?: CallOptions): Promise<number> {
    try {
      checkCallOptions(options)
      const payloads = Array.of(payload)
      const bytes = checkPayloads(payloads, this.#options.maxRecordBytes)
      return this.#commit.append(payloads, bytes, options?.signal)
    } catch (error) {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason of a signal passes untouched
      return Promise.reject(error)
    }
  }

  async appendMany(payloads: readonly Uint8Array[], options?: CallOptions): Promise<number[]> {
    checkCallOptions(options)
    if (!Array.isArray(payloads)) throw new TypeError('Payloads are an array of Uint8Array')
    // A list that the caller changes meanwhile is not another batch.
    const own: Uint8Array[] = [...(payloads as readonly Uint8Array[])]
    const bytes = checkPayloads(own, this.#options.maxRecordBytes)
    if (own.length === 0) {
      this.#commit.check()
      return []
    }
    const first = await this.#commit.append(own, bytes, options?.signal)
    return own.map((_, at) => first + at)
  }

  read(options: ReadOptions = {}): AsyncGenerator<Batch, void, undefined> {
    const { from, signal, ...others } = options
    checkCallOptions({ signal, ...others })
    if (from !== undefined) checkLsn(from, 'from')
    return readLog(this.#source, from, signal)
  }

  async dropBefore(lsn: number, options?: CallOptions): Promise<number> {
    checkCallOptions(options)
    checkLsn(lsn, 'lsn')
    this.#commit.check()
    const { segments } = this.#options
    return await this.#commit.between(async () => {
      try {
        return await segments.drop(lsn)
      } catch (cause) {
        throw segments.failed(cause, 'drop a segment')
      }
    }, options)
  }

  async verify(options?: CallOptions): Promise<VerifyReport> {
    checkCallOptions(options)
    return await verifySegments(this.#source, options?.signal)
  }

  stats(): LogStats {
    const { segments, mode, intervalMs, segmentBytes } = this.#options
    const { all, nextLsn, durableLsn, failure } = segments
    const { queue, batches, records } = this.#commit.stats
    const maxMs = { always: { maxMs: 0 }, interval: { maxMs: intervalMs }, os: {} }[mode]
    const isAlways = mode === 'always'
    const lastLsn = all.at(-1)?.lastLsn ?? 0
    return Object.freeze({
      state: this.#closing !== undefined ? 'closed' : failure !== undefined ? 'stopped' : 'open',
      mode,
      firstLsn: all[0]?.firstLsn ?? nextLsn,
      nextLsn,
      durableLsn,
      segments: all.length,
      bytes: segments.bytes,
      loss: Object.freeze({
        records: isAlways ? 0 : lastLsn - durableLsn,
        bytes: isAlways ? 0 : segments.unsyncedBytes,
        ...maxMs,
        maxBytes: isAlways ? 0 : segmentBytes,
      }),
      syncs: segments.syncs,
      batches,
      records,
      queue,
      lastFailure: segments.lastFailure,
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
    const { segments, resources } = this.#options
    await using _resources = resources
    await this.#commit.close()
    if (!segments.isDurable) await segments.sync()
  }

  /** In `interval`, syncs what was acknowledged, once that is so old. */
  #syncSoon(): void {
    const { mode, owner, intervalMs, segments } = this.#options
    if (mode !== 'interval' || this.#isSyncDue) return
    this.#isSyncDue = true
    const work = async (): Promise<void> => {
      await sleep(intervalMs)
      this.#isSyncDue = false
      if (this.#closing !== undefined) return
      await this.#commit.between(async () => {
        try {
          await segments.sync()
        } catch (cause) {
          // It has stopped the log: who appends next is told.
          if (cause !== segments.failure) throw cause
        }
      })
    }
    owner.spawn(work, { name: 'sync after the interval' })
  }
}
