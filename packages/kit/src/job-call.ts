/**
 * A call whose work is a job. The work is done in the call, with the body and the reader of that; the attempt of the job
 * accompanies it: it begins before the work, ends after it with the same outcome, and whoever stops the one stops the other.
 */
import { randomUUID } from 'node:crypto'
import { createEvent, race, shield } from '@ipfs-kit/concurrency'
import { isFault, type Progress, type RunContext } from '@ipfs-kit/operations'
import type { HandlerContext, ItemResult, Json, Wal } from '@ipfs-kit/wal'
import { KitError } from './errors.ts'
import { shortened } from './job-item.ts'
import type { JobKind } from './job-kind.ts'

/** The log for the time of a call. */
export interface LentWal {
  readonly wal: Wal
  /** Aborted when the log goes away. */
  readonly signal: AbortSignal
  readonly release: () => void
}

/** What is promised. */
export interface JobInput {
  readonly kind: JobKind
  readonly input: Readonly<Record<string, unknown>>
}

/** What a call needs of the log and of the others. */
export interface JobCallOptions extends JobInput {
  readonly context: Pick<RunContext, 'signal' | 'progress'>
  readonly lend: () => Promise<LentWal>
  /** The calls of this process that have a job, by the name under which their jobs know them. */
  readonly callers: Map<string, JobCall>
}

/** Who waits goes before what nobody waits for. */
const priority = 9
/** Items whose results are told, of those that succeed and of those that fail; the counts of all are in progress and result. */
const toldItems = 1000

export class JobCall {
  /** Ends the work: the caller has left, the job was stopped by somebody else, or the log goes away. */
  readonly signal: AbortSignal
  readonly #options: JobCallOptions
  readonly #name = randomUUID()
  readonly #stop = new AbortController()
  readonly #begun = createEvent({ name: 'turn of a job' })
  readonly #over = createEvent({ name: 'work of a job' })
  readonly #told = { succeeded: 0, failed: 0 }
  #lent: LentWal | undefined
  #job: number | undefined
  #attempt: HandlerContext | undefined
  /** What was told before the attempt began. */
  #early: { results: ItemResult[]; progress?: Progress } = { results: [] }
  #isLeft = false
  #outcome: { readonly result: Json } | { readonly error: unknown } | undefined

  constructor(options: JobCallOptions) {
    this.#options = options
    this.signal = AbortSignal.any([options.context.signal, this.#stop.signal])
  }

  /**
   * Promises the job and waits for its turn. If the log takes nothing, as on a full disk, the work is done without a job: whoever
   * waits for it needs no promise, and a collection is what makes room.
   *
   * @throws KitError KIT_JOB_STOPPED, KIT_CLOSED; the reason of the signal
   */
  async begin(): Promise<void> {
    try {
      await this.#promise(await this.#options.lend())
    } catch (error) {
      if (!isOfLog(error)) throw error
      this.#release()
      return
    }
    const { wal } = this.#lent!
    const job = this.#job!
    await race<() => Promise<unknown>>([() => this.#begun.wait(), () => wal.wait(job)], {
      signal: this.signal,
    })
    if (!this.#begun.isSet) throw this.#stopped('before it began')
  }

  async #promise(lent: LentWal): Promise<void> {
    const { kind, input, callers } = this.#options
    const { wal, signal } = lent
    this.#lent = lent
    callers.set(this.#name, this)
    const { type } = kind
    const params = { ...input, caller: this.#name }
    // A caller who leaves now has promised it all the same, and cancels it.
    const { operation } = await shield(() => wal.append({ type, params, priority, maxAttempts: 1 }))
    this.#job = operation.id
    const onGone = (): void => this.#stop.abort(signal.reason)
    signal.addEventListener('abort', onGone, { once: true })
    if (signal.aborted) onGone()
  }

  /** What the work has done; told to the caller and to the job. */
  readonly progress = (progress: Progress): void => {
    this.#options.context.progress(progress)
    if (this.#attempt === undefined) this.#early.progress = progress
    else this.#attempt.progress(progress)
  }

  /** What became of an item. */
  item(item: ItemResult): void {
    const kind = item.failure === undefined ? 'succeeded' : 'failed'
    if (this.#told[kind] === toldItems) return
    this.#told[kind] += 1
    const short = shortened(item)
    if (this.#attempt === undefined) this.#early.results.push(short)
    else this.#attempt.results([short])
  }

  /** The work is done. Resolves when the log has it. */
  async completed(result: Json): Promise<void> {
    if (this.#lent === undefined || this.#job === undefined) return
    this.#outcome = { result }
    this.#over.set()
    try {
      await this.#lent.wal.wait(this.#job, { signal: this.#lent.signal })
    } finally {
      this.#release()
    }
  }

  /** The work has failed, or could not begin. @returns what the caller is to get */
  async failed(error: unknown): Promise<unknown> {
    const { signal } = this.#options.context
    try {
      if (this.#lent === undefined || this.#job === undefined) return error
      const { wal, signal: lent } = this.#lent
      if (lent.aborted) {
        // The log is lent until it has the end of the job, so that it does not take it for one that goes on later.
        this.#outcome = { error: lent.reason }
        this.#over.set()
        await wal.wait(this.#job)
        return lent.reason
      }
      if (this.#stop.signal.aborted) return this.#stop.signal.reason
      if (signal.aborted && isLeaving(signal.reason)) {
        await this.#cancel(wal, this.#job)
        return error
      }
      this.#outcome = { error }
      this.#over.set()
      await wal.wait(this.#job, { signal: this.#stop.signal })
      return error
    } finally {
      this.#over.set()
      this.#release()
    }
  }

  /** The caller reads no further: the job is cancelled. */
  async left(): Promise<void> {
    try {
      if (this.#lent !== undefined && this.#job !== undefined) await this.#cancel(this.#lent.wal, this.#job)
    } finally {
      this.#over.set()
      this.#release()
    }
  }

  /** The attempt: waits for the end of the work, and ends as it did. */
  async attend(attempt: HandlerContext): Promise<Json> {
    const onAbort = (): void => {
      if (this.#isLeft) this.#over.set()
      else this.#stop.abort(this.#stopped('by another call', attempt.signal.reason))
    }
    attempt.signal.addEventListener('abort', onAbort, { once: true })
    if (attempt.signal.aborted) onAbort()
    this.#attempt = attempt
    const { results, progress } = this.#early
    if (results.length > 0) attempt.results(results)
    if (progress !== undefined) attempt.progress(progress)
    this.#begun.set()
    // Stopped or not: it has ended when the work has.
    await shield(() => this.#over.wait())
    if (this.#outcome !== undefined && 'result' in this.#outcome) return this.#outcome.result
    attempt.signal.throwIfAborted()
    throw this.#outcome?.error ?? this.#stopped('by its caller')
  }

  async #cancel(wal: Wal, job: number): Promise<void> {
    this.#isLeft = true
    if (this.#attempt?.signal.aborted === true) this.#over.set()
    try {
      await shield(() => wal.cancel(job, { reason: 'its caller left' }))
    } catch (error) {
      // It has ended in the same moment.
      if (!(error instanceof Error && 'code' in error && error.code === 'WAL_STATE')) throw error
    }
  }

  #release(): void {
    this.#options.callers.delete(this.#name)
    this.#lent?.release()
    this.#lent = undefined
  }

  #stopped(when: string, cause?: unknown): KitError {
    return new KitError('KIT_JOB_STOPPED', `The job ${this.#job} was stopped ${when}`, { cause })
  }
}

/** Whether it is the caller that has gone, and not a part that the work needs. */
function isLeaving(reason: unknown): boolean {
  return !isFault(reason) || reason.kind === 'cancelled'
}

/** Whether the log is not there, or takes nothing. */
function isOfLog(error: unknown): boolean {
  return isFault(error) && (error.code === 'KIT_PART_UNAVAILABLE' || error.code.startsWith('WAL_'))
}
