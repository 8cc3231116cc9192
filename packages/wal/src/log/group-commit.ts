/** The queue of appends: all who wait are written as one frame, and synced together. */
import {
  checkpoint,
  createEvent,
  createLock,
  type Event,
  type Owner,
  type Resume,
  suspend,
  type Undo,
} from '@ipfs-kit/concurrency'
import { AppendQueue, queuedBytesOf, type Waiting } from './append-queue.ts'
import { WalError } from '../errors.ts'
import { alignedEnd, frameHeaderBytes, recordHeaderBytes, writeFrame } from './frame.ts'
import type { Batch, CallOptions, Mode } from './log.ts'
import { publishAppend } from '../reports.ts'
import type { Segments } from './segments.ts'

/** So much is gathered at most for one frame, if it is not one append that is larger. */
const maxGatheredBytes = 1024 * 1024

/** A sync may be done at once, a promise that is settled at once gives nobody else a turn, and some syncs are a millisecond's worth. */
const commitsPerTurn = 4

/** What the queue needs of the log. */
export interface GroupCommitOptions {
  readonly segments: Segments
  readonly owner: Owner
  readonly mode: Mode
  readonly maxQueuedBytes: number
  /** Bytes of records and their lengths that fit into a segment. */
  readonly capacity: number
  /** Told of each batch before its appends are answered. */
  readonly onBatch: ((batch: Batch) => void) | undefined
  /** Called when a batch was acknowledged that no sync has covered. */
  readonly onUnsynced: () => void
}

/** The queue of a log, and the one task that writes. */
export class GroupCommit {
  readonly #options: GroupCommitOptions
  readonly #queue = new AppendQueue()
  /** What the writer does before the next batch. */
  readonly #jobs = new Set<() => Promise<void>>()
  readonly #turnstile = createLock({ name: 'room in the queue of a log' })
  #room: Event | undefined
  #waitingForRoom = 0
  #memory = Buffer.alloc(0)
  #isRunning = false
  #idle: Event | undefined
  #isClosed = false
  #batches = 0
  #records = 0

  constructor(options: GroupCommitOptions) {
    this.#options = options
  }

  get stats() {
    return {
      batches: this.#batches,
      records: this.#records,
      queue: Object.freeze({
        appends: this.#queue.size,
        bytes: this.#queue.bytes,
        waiting: this.#waitingForRoom,
      }),
    }
  }

  /** @throws WalError WAL_CLOSED, WAL_SYNC_FAILED */
  check(): void {
    if (this.#isClosed) throw new WalError('WAL_CLOSED', 'The log is closed')
    if (this.#options.segments.failure !== undefined) throw this.#options.segments.failure
  }

  /**
   * Appends records as one; the LSN of the first. `payloadBytes` is the sum of theirs.
   *
   * @throws WalError WAL_CLOSED, WAL_SYNC_FAILED, WAL_TOO_LARGE at once
   */
  append(
    payloads: readonly Uint8Array[],
    payloadBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    this.check()
    const { capacity } = this.#options
    const bytes = payloadBytes + payloads.length * recordHeaderBytes
    if (bytes > capacity) {
      throw new WalError(
        'WAL_TOO_LARGE',
        `${payloads.length} records of ${payloadBytes} bytes do not fit into one segment, which has room for ${capacity}; raise segmentBytes`,
      )
    }
    return this.#waitingForRoom === 0 && this.#hasRoom(payloads, bytes)
      ? this.#enqueue(payloads, bytes, signal)
      : this.#enqueueWhenRoom(payloads, bytes, signal)
  }

  /** Does something between two batches. What has begun goes on to its end. */
  async between<T>(work: () => Promise<T>, { signal }: CallOptions = {}): Promise<T> {
    return await suspend<T>(
      ({ resolve, reject }) => {
        const job = async (): Promise<void> => {
          try {
            resolve(await work())
          } catch (error) {
            reject(error)
          }
        }
        this.#jobs.add(job)
        this.#wake()
        return () => {
          this.#jobs.delete(job)
        }
      },
      { signal, what: 'turn of the writer' },
    )
  }

  /** Takes nothing any more; resolves when all that was taken is written, or has failed. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#room?.set()
    if (!this.#isRunning) return
    this.#idle ??= createEvent({ name: 'end of the writer of a log' })
    await this.#idle.wait()
  }

  #hasRoom(payloads: readonly Uint8Array[], bytes: number): boolean {
    const queuedBytes = this.#queue.bytes + queuedBytesOf(payloads, bytes)
    return this.#queue.size === 0 || queuedBytes <= this.#options.maxQueuedBytes
  }

  /** Enters the queue as soon as there is room, in the order of asking. */
  async #enqueueWhenRoom(
    payloads: readonly Uint8Array[],
    bytes: number,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    let answer: Promise<number>
    this.#waitingForRoom += 1
    try {
      using _turn = await this.#turnstile.acquire({ signal })
      while (!this.#hasRoom(payloads, bytes)) {
        this.#room = createEvent({ name: 'room in the queue of a log' })
        await this.#room.wait({ signal })
        this.check()
      }
      this.check()
      answer = this.#enqueue(payloads, bytes, signal)
    } finally {
      this.#waitingForRoom -= 1
    }
    // The turn is another's by now.
    return await answer
  }

  #enqueue(payloads: readonly Uint8Array[], bytes: number, signal: AbortSignal | undefined): Promise<number> {
    const begin = (answer: Resume<number>): Undo => {
      const waiting = this.#queue.add(payloads, bytes, answer)
      this.#wake()
      return () => this.#leave(waiting)
    }
    return suspend(begin, signal === undefined ? appending : { ...appending, signal })
  }

  #leave(waiting: Waiting): void {
    if (this.#queue.remove(waiting)) this.#room?.set()
  }

  #wake(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#options.owner.spawn(() => this.#run(), { name: 'write the log' })
  }

  async #run(): Promise<void> {
    for (;;) {
      const [job] = this.#jobs
      if (job !== undefined) {
        this.#jobs.delete(job)
        await job()
        continue
      }
      const batch = this.#take()
      if (batch.length === 0) break
      await this.#commit(batch)
      // Who was answered may append again at once: the next frame is for all of them, and not for the first. And commits that did
      // not wait for the disk give others a turn.
      if (batch.length > 1 || this.#batches % commitsPerTurn === 0) await checkpoint()
    }
    this.#isRunning = false
    this.#idle?.set()
  }

  /** All who wait, or as many as are gathered for one frame. */
  #take(): Waiting[] {
    const most = Math.min(this.#options.capacity, maxGatheredBytes)
    const batch: Waiting[] = []
    let bytes = 0
    for (let next = this.#queue.first; next !== undefined; next = this.#queue.first) {
      bytes += next.bytes
      if (batch.length > 0 && bytes > most) break
      batch.push(next)
      this.#leave(next)
    }
    return batch
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { segments, mode, onUnsynced } = this.#options
    try {
      if (segments.failure !== undefined) throw segments.failure
      let count = 0
      let end = frameHeaderBytes
      for (const { payloads, bytes } of batch) {
        count += payloads.length
        end += bytes
      }
      const bytes = alignedEnd(end)
      if (!segments.fits(bytes)) await segments.roll()
      const { site } = segments
      const frame = writeFrame(this.#memoryFor(bytes), batch, count, site)
      if (!segments.writeNow(frame, count)) await segments.write(frame, count)
      if (mode === 'always' && !segments.syncNow()) await segments.sync()
      segments.publish()
      this.#batches += 1
      this.#records += count
      publishAppend(site.firstLsn, count, bytes)
      this.#tell(site.firstLsn, batch)
      let lsn = site.firstLsn
      for (const { answer, payloads } of batch) {
        answer.resolve(lsn)
        lsn += payloads.length
      }
      if (mode !== 'always') onUnsynced()
    } catch (cause) {
      const failure = segments.failed(cause, 'append')
      for (const { answer } of batch) answer.reject(failure)
    }
  }

  /** What its listener throws is no failure of the appends: their records are there. */
  #tell(firstLsn: number, batch: readonly Waiting[]): void {
    const { onBatch } = this.#options
    if (onBatch === undefined) return
    try {
      onBatch({ firstLsn, payloads: batch.flatMap(({ payloads }) => payloads) })
    } catch (thrown) {
      // waits: nobody, so that it is an unhandled rejection.
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what the listener threw
      void Promise.reject(thrown)
    }
  }

  /** Memory for a frame: the last one is on the disk. */
  #memoryFor(bytes: number): Buffer {
    if (bytes > maxGatheredBytes * 2) return Buffer.allocUnsafeSlow(bytes)
    if (this.#memory.length < bytes) {
      this.#memory = Buffer.allocUnsafeSlow(Math.min(maxGatheredBytes * 2, Math.max(65_536, bytes * 2)))
    }
    return this.#memory
  }
}

/** Made once: there are as many as appends. */
const appending = { what: 'append' }
