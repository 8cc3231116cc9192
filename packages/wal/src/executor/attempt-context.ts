/** What a handler is given, and what it has told that is not written yet. */
import { now, shield, sleep, type Task } from '@ipfs-kit/concurrency'
import type { Calls } from '../wal/calls.ts'
import { changed } from '../store/change.ts'
import { WalError } from '../errors.ts'
import { checkJson } from '../json.ts'
import { isDiskTrouble, type Ledger, type Unstamped } from '../wal/ledger.ts'
import { admitOne, type Admission, type Admitted } from '../wal/new-operation.ts'
import { checkKeys, checkList, checkText, wholeNumber } from '../option-checks.ts'
import type { ItemResult, Json, LoggedOperation, OperationProgress } from '../store/operation.ts'
import type { HandlerContext, NewOperation } from '../wal/wal.ts'

/** What a context needs of the executor. */
export interface ContextOptions {
  readonly ledger: Ledger
  readonly admission: Admission
  readonly progressMs: number
  readonly calls: Calls
  /** Told of progress that is not written yet. */
  readonly onProgress: (operation: LoggedOperation) => void
}

/** Bytes that the text of one item takes at most. */
const maxItemBytes = 4096
/** Bytes of results that wait to be written at most. */
const maxPendingBytes = 4 * 1024 * 1024
/** Results in one record. */
const resultsInRecord = 100
const maxFollowUps = 1000

export class AttemptContext {
  /** Operations that are promised with the completion of this one. */
  readonly followUps: Admitted[] = []
  #operation: LoggedOperation
  readonly #options: ContextOptions
  #progress: OperationProgress | undefined
  #results: ItemResult[] = []
  #pendingBytes = 0
  #writtenAt = -Infinity
  #writing: Task<void> | undefined
  #isOver = false

  constructor(operation: LoggedOperation, options: ContextOptions) {
    this.#operation = operation
    this.#options = options
  }

  /** As of what is written. */
  get operation(): LoggedOperation {
    return this.#operation
  }

  /** With what the handler has told since. */
  get shown(): LoggedOperation {
    return this.#pending().reduce(
      (operation, change) =>
        changed(operation, operation.lsn, { ...change, at: 0, id: operation.id } as Parameters<
          typeof changed
        >[2]),
      this.#operation,
    )
  }

  /** What the handler of this attempt gets. */
  for(signal: () => AbortSignal): HandlerContext {
    const operation = this.#operation
    return {
      operation,
      checkpoint: operation.checkpoint,
      get signal() {
        return signal()
      },
      progress: (progress) => this.#tellProgress(progress),
      results: (results) => this.#tellResults(results),
      save: (checkpoint) => this.#save(checkpoint),
      followUp: (operation_) => this.#followUp(operation_),
    }
  }

  /** The attempt is over: what is not written yet, to be written with its end. Under the turn of the operation. */
  end(): Unstamped[] {
    this.#isOver = true
    this.#writing?.cancel('the attempt has ended')
    return this.#pending()
  }

  #tellProgress(progress: OperationProgress): void {
    if (this.#isOver) return
    this.#progress = checkProgress(progress)
    this.#told()
  }

  #tellResults(results: readonly ItemResult[]): void {
    if (this.#isOver) return
    checkList(results, 'Results', 10_000)
    const bytes = results.map((result) => checkResult(result))
    this.#pendingBytes += bytes.reduce((sum, one) => sum + one, 0)
    if (this.#pendingBytes > maxPendingBytes) {
      throw new WalError('WAL_BUSY', `More than ${maxPendingBytes} bytes of results wait to be written`)
    }
    this.#results.push(...results)
    this.#told()
  }

  #followUp(operation: NewOperation): void {
    this.#refuseLate()
    if (this.followUps.length === maxFollowUps) {
      throw new RangeError(`An operation has at most ${maxFollowUps} follow-ups`)
    }
    this.followUps.push(admitOne(operation, this.followUps.length, this.#options.admission))
  }

  async #save(checkpoint: Json): Promise<void> {
    const { ledger, admission } = this.#options
    const saved = checkJson(checkpoint, 'A checkpoint', admission.maxParamsBytes)
    using _turn = await ledger.turn(this.#operation.id)
    this.#refuseLate()
    await shield(() => this.#write([{ kind: 'progress', checkpoint: saved }]))
  }

  #refuseLate(): void {
    if (this.#isOver) throw new WalError('WAL_STATE', 'The attempt has ended')
  }

  #told(): void {
    this.#options.onProgress(this.#operation)
    this.#writing ??= this.#options.calls.spawn(
      () => this.#writeSoon(),
      `progress of operation ${this.#operation.id}`,
    )
  }

  /** Writes once the last time is so long ago. */
  async #writeSoon(): Promise<void> {
    const { ledger, progressMs } = this.#options
    await sleep(Math.max(0, this.#writtenAt + progressMs - now()))
    using _turn = await ledger.turn(this.#operation.id)
    this.#writing = undefined
    if (this.#isOver) return
    try {
      await shield(() => this.#write([]))
    } catch (error) {
      // It is still pending: written with what is told next, or with the end of the attempt.
      if (!isDiskTrouble(error) && ledger.failure === undefined) throw error
    }
  }

  /** Writes what is pending, and then some. */
  async #write(changes: readonly Unstamped[]): Promise<void> {
    const progress = this.#progress
    const written = this.#results.length
    const all = [...this.#pending(), ...changes]
    this.#writtenAt = now()
    if (all.length > 0) [this.#operation] = await this.#options.ledger.change(this.#operation, all)
    // More may have been told meanwhile.
    if (this.#progress === progress) this.#progress = undefined
    this.#results = this.#results.slice(written)
    this.#pendingBytes = this.#results.reduce((sum, result) => sum + bytesOf(result), 0)
  }

  #pending(): Unstamped[] {
    const changes: Unstamped[] = []
    for (let at = 0; at < this.#results.length; at += resultsInRecord) {
      changes.push({ kind: 'progress', results: this.#results.slice(at, at + resultsInRecord) })
    }
    if (this.#progress !== undefined) changes.push({ kind: 'progress', progress: this.#progress })
    return changes
  }
}

/** A copy. @throws TypeError, RangeError */
function checkProgress(progress: OperationProgress): OperationProgress {
  checkKeys(progress, ['stage', 'bytes', 'totalBytes', 'items', 'totalItems'], 'Progress')
  const { stage, ...counts } = progress
  if (typeof stage !== 'string' || stage.length > 200)
    throw new TypeError('stage is a text of at most 200 characters')
  for (const [name, count] of Object.entries(counts)) wholeNumber(count, name, 0, Number.MAX_SAFE_INTEGER, 0)
  wholeNumber(progress.bytes ?? NaN, 'bytes', 0, Number.MAX_SAFE_INTEGER, 0)
  return { ...progress }
}

/** The bytes of it. @throws TypeError; WalError WAL_PARAMS_INVALID */
function checkResult(result: ItemResult): number {
  checkKeys(result, ['name', 'result', 'failure'], 'The result of an item')
  checkText(result.name, 'name', 1000)
  checkJson(result, 'The result of an item', maxItemBytes)
  return bytesOf(result)
}

function bytesOf(result: ItemResult): number {
  return Buffer.byteLength(JSON.stringify(result))
}
