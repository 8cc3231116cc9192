/** The public face of an open log of operations. */
import { createLock, shield, type Owner } from '@ipfs-kit/concurrency'
import type { Disk } from '@ipfs-kit/disk'
import { hasKeys, type Appender } from './append-operations.ts'
import { writeArchive } from './archive.ts'
import type { Stop } from './attempt.ts'
import { BackendFollower, type BackendFollowers } from './backend-followers.ts'
import type { Calls } from './calls.ts'
import { catchUp } from './catch-up.ts'
import { checkCallOptions } from './checks.ts'
import { WalError } from './errors.ts'
import type { Executor } from './executor.ts'
import { Follower, wants, type FollowFilter, type Followers } from './followers.ts'
import type { Ledger, Unstamped } from './ledger.ts'
import { begun, pagesOf, type Pages } from './export.ts'
import type { CallOptions, ReadOptions } from './log.ts'
import { admit } from './new-operation.ts'
import { checkFilter, checkId } from './filter-checks.ts'
import { checkText, wholeNumber } from './option-checks.ts'
import type { OperationFilter } from './operation-index.ts'
import type { OperationStore, StoreVerifyReport } from './operation-store.ts'
import { isFinished, type LoggedOperation, type OperationState } from './operation.ts'
import { decodeRecord, type NumberedRecord } from './record.ts'
import type { CheckedOptions } from './wal-options.ts'
import type {
  Appended,
  ArchiveReport,
  BackendHealth,
  MissedChanges,
  NewOperation,
  OperationChange,
  OperationPage,
  Wal,
  WalStats,
} from './wal.ts'
import type { Waits } from './waits.ts'

/** What an open log of operations is made of. */
export interface OpenedWalOptions {
  readonly checked: CheckedOptions
  readonly config: Wal['config']
  readonly disk: Disk
  readonly path: string
  readonly store: OperationStore
  readonly ledger: Ledger
  readonly appender: Appender
  readonly executor: Executor
  readonly calls: Calls
  readonly watch: Owner
  readonly waits: Waits
  readonly followers: Followers
  readonly backendFollowers: BackendFollowers
}

const finishedStates: readonly OperationState[] = ['completed', 'failed', 'cancelled']
/** Operations that are removed by one record. */
const deletedAtOnce = 1000
/** Operations of one file of an archive at most: their ids are in memory until they are removed. */
const archivedAtOnce = 1_000_000

export class OpenedWal implements Wal {
  readonly config: Wal['config']
  readonly #parts: OpenedWalOptions
  readonly #archiving = createLock({ name: 'archive' })
  #closing: Promise<void> | undefined

  constructor(parts: OpenedWalOptions) {
    this.config = parts.config
    this.#parts = parts
  }

  async append(operation: NewOperation, options?: CallOptions): Promise<Appended> {
    const [appended] = await this.appendMany([operation], options)
    return appended!
  }

  async appendMany(operations: readonly NewOperation[], options?: CallOptions): Promise<Appended[]> {
    checkCallOptions(options)
    const { appender, checked } = this.#parts
    const admitted = admit(operations, checked)
    if (hasKeys(admitted)) {
      return await this.#call('append operations', options, () => appender.appendWithKeys(admitted))
    }
    this.#checkOpen()
    return await appender.append(admitted, options?.signal)
  }

  async get(id: number, options?: CallOptions): Promise<LoggedOperation | undefined> {
    checkCallOptions(options)
    checkId(id)
    this.#checkOpen()
    const { ledger, store } = this.#parts
    await store.index.applied(ledger.acknowledged, options)
    const operation = ledger.load(id)
    return operation && this.#shown(operation)
  }

  async list(
    query: OperationFilter & { readonly before?: number; readonly limit?: number } & CallOptions = {},
  ): Promise<OperationPage> {
    const { before, limit, signal, ...filter } = query
    checkCallOptions({ signal })
    checkFilter(filter)
    const most = wholeNumber(limit, 'limit', 1, 1000, 100)
    if (before !== undefined) checkId(before)
    this.#checkOpen()
    const { ledger, store } = this.#parts
    await store.index.applied(ledger.acknowledged, { signal })
    const page = store.index.list({ ...filter, ...(before !== undefined && { before }), limit: most })
    const operations = page.map((operation) => this.#shown(operation))
    return page.length < most ? { operations } : { operations, next: page.at(-1)!.id }
  }

  async wait(id: number, options?: CallOptions): Promise<LoggedOperation> {
    checkCallOptions(options)
    checkId(id)
    this.#checkOpen()
    const operation = this.#load(id)
    return isFinished(operation) ? operation : await this.#parts.waits.wait(id, options?.signal)
  }

  async cancel(
    id: number,
    options: CallOptions & { readonly reason?: string } = {},
  ): Promise<LoggedOperation> {
    const { reason = 'it was cancelled', ...rest } = options
    checkText(reason, 'reason', 2000)
    return await this.#stop(id, rest, { kind: 'cancel', reason }, ({ state }) => state === 'cancelled')
  }

  async pause(id: number, options?: CallOptions): Promise<LoggedOperation> {
    return await this.#stop(id, options, { kind: 'pause' }, ({ paused }) => paused)
  }

  async resume(id: number, options?: CallOptions): Promise<LoggedOperation> {
    return await this.#change(id, options, (operation) => {
      if (isFinished(operation)) throw wrongState(operation, 'resumed')
      return operation.paused ? { kind: 'resume' } : undefined
    })
  }

  async retry(id: number, options?: CallOptions): Promise<LoggedOperation> {
    return await this.#change(id, options, (operation) => {
      const { state } = operation
      if (state !== 'failed' && state !== 'cancelled') throw wrongState(operation, 'queued again')
      return { kind: 'retry' }
    })
  }

  async deleteFinished(
    filter: OperationFilter & { readonly finishedBefore?: number } & CallOptions = {},
  ): Promise<number> {
    const { signal, finishedBefore, ...rest } = filter
    checkCallOptions({ signal })
    checkFilter(rest)
    if (finishedBefore !== undefined)
      wholeNumber(finishedBefore, 'finishedBefore', 0, Number.MAX_SAFE_INTEGER, 0)
    const wanted = finishedBefore === undefined ? rest : { ...rest, finishedBefore }
    let removed = 0
    for (;;) {
      const count = await this.#call('remove operations', { signal }, () => this.#deleteSome(wanted))
      if (count === 0) return removed
      removed += count
    }
  }

  follow(
    options: OperationFilter & { readonly from?: number; readonly id?: number } & CallOptions = {},
  ): AsyncGenerator<OperationChange | MissedChanges, void, undefined> {
    const { from, id, signal, ...rest } = options
    checkCallOptions({ signal })
    checkFilter(rest)
    if (id !== undefined) checkId(id)
    if (from !== undefined) checkId(from)
    return this.#follow(id === undefined ? rest : { ...rest, id }, from, signal)
  }

  async archive(
    filter: OperationFilter & { readonly finishedBefore?: number } & CallOptions = {},
  ): Promise<ArchiveReport> {
    const { signal, finishedBefore = Infinity, ...rest } = filter
    checkCallOptions({ signal })
    checkFilter(rest)
    return await this.#call('archive operations', { signal }, () => this.#archive(rest, finishedBefore))
  }

  async *records({ from, signal }: ReadOptions = {}): AsyncGenerator<NumberedRecord, void, undefined> {
    checkCallOptions({ signal })
    this.#checkOpen()
    const { log } = this.#parts.store
    for await (const { firstLsn, payloads } of log.read({ signal, ...(from !== undefined && { from }) })) {
      for (const [at, payload] of payloads.entries())
        yield { lsn: firstLsn + at, record: decodeRecord(payload) }
    }
  }

  async verify(options?: CallOptions): Promise<StoreVerifyReport> {
    checkCallOptions(options)
    this.#checkOpen()
    return await this.#parts.store.verify(options)
  }

  async rebuildIndex(options?: CallOptions): Promise<void> {
    checkCallOptions(options)
    this.#checkOpen()
    await this.#parts.store.rebuildIndex(options)
  }

  async *followBackends(options?: CallOptions): AsyncGenerator<BackendHealth, void, undefined> {
    checkCallOptions(options)
    this.#checkOpen()
    const { executor, backendFollowers } = this.#parts
    const follower = new BackendFollower(executor.health)
    using _following = backendFollowers.add(follower)
    for (;;) {
      const health = await follower.next(options?.signal)
      if (health === undefined) return
      yield health
    }
  }

  async probe(backend: string, options?: CallOptions): Promise<BackendHealth> {
    checkCallOptions(options)
    this.#checkOpen()
    return await this.#parts.executor.probe(backend, options?.signal)
  }

  async retainedCids(options?: CallOptions): Promise<string[]> {
    checkCallOptions(options)
    this.#checkOpen()
    const { ledger, store } = this.#parts
    await store.index.applied(ledger.acknowledged, options)
    return store.index.retainedCids()
  }

  stats(): WalStats {
    const { store, executor, followers, ledger } = this.#parts
    const { running, stuck, isDraining } = executor
    const { completed, failed, retried } = ledger
    return Object.freeze({
      epoch: store.epoch,
      log: store.log.stats(),
      index: store.index.stats(),
      operations: Object.freeze(store.index.counts()),
      unfinished: ledger.unfinished,
      running,
      stuck,
      draining: isDraining,
      stopped: ledger.failure?.message,
      followers: followers.size,
      completed,
      failed,
      retried,
      backends: Object.freeze(executor.health),
    })
  }

  async close(): Promise<void> {
    this.#closing ??= shield(() => this.#close())
    await this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { executor, checked, calls, watch, waits, followers, backendFollowers, store } = this.#parts
    await using closing = new AsyncDisposableStack()
    closing.use(store)
    closing.defer(() => watch.close())
    await executor.drain(checked.drainMs)
    await calls.ended()
    waits.end()
    followers.end()
    backendFollowers.end()
  }

  async *#follow(
    filter: FollowFilter,
    from: number | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<OperationChange | MissedChanges, void, undefined> {
    this.#checkOpen()
    const { followers, ledger, checked } = this.#parts
    const follower = new Follower(filter, checked.maxFollowed)
    using _following = followers.add(follower)
    if (from !== undefined && from <= followers.through) {
      for await (const change of catchUp(ledger, from, signal)) {
        if ('missedAfter' in change || wants(filter, change)) yield change
      }
    }
    for (;;) {
      const change = await follower.next(signal)
      if (change === undefined) return
      yield change
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new WalError('WAL_CLOSED', 'The log of operations is closed')
  }

  /** Work that goes on to its end when its caller leaves. */
  async #call<T>(name: string, options: CallOptions | undefined, work: () => Promise<T>): Promise<T> {
    this.#checkOpen()
    return await this.#parts.calls.run(work, name, options?.signal)
  }

  /** With what its handler has told, if it is running; an attempt is not over at once when its operation is. */
  #shown(operation: LoggedOperation): LoggedOperation {
    if (operation.state !== 'running') return operation
    return this.#parts.executor.shown(operation.id) ?? operation
  }

  /** @throws WalError WAL_NOT_FOUND */
  #load(id: number): LoggedOperation {
    const operation = this.#parts.ledger.load(id)
    if (operation !== undefined) return operation
    throw new WalError('WAL_NOT_FOUND', `There is no operation ${id}`)
  }

  /** A transition of an operation that no attempt has. */
  async #change(
    id: number,
    options: CallOptions | undefined,
    decide: (operation: LoggedOperation) => Unstamped | undefined,
  ): Promise<LoggedOperation> {
    checkCallOptions(options)
    checkId(id)
    return await this.#call('change an operation', options, () => this.#transition(id, decide))
  }

  async #transition(
    id: number,
    decide: (operation: LoggedOperation) => Unstamped | undefined,
  ): Promise<LoggedOperation> {
    const { ledger, executor } = this.#parts
    try {
      using _turn = await ledger.turn(id)
      const operation = this.#load(id)
      const change = decide(operation)
      if (change === undefined) return operation
      const [changed] = await ledger.change(operation, [change])
      return changed
    } finally {
      // It was passed over while its turn was taken.
      const operation = ledger.load(id)
      if (operation !== undefined) executor.changed(operation)
    }
  }

  /** A transition that an attempt has to end for, which then writes it itself. */
  async #stop(
    id: number,
    options: CallOptions | undefined,
    stop: Exclude<Stop, { kind: 'drain' }>,
    isDone: (operation: LoggedOperation) => boolean,
  ): Promise<LoggedOperation> {
    checkCallOptions(options)
    checkId(id)
    const { executor } = this.#parts
    const work = async (): Promise<LoggedOperation> => {
      for (let asked = false; ; asked = true) {
        const attempt = executor.attemptOf(id)
        if (attempt !== undefined) {
          attempt.request(stop)
          await attempt.ended.wait()
          continue
        }
        const operation = this.#load(id)
        if (asked && isDone(operation)) return operation
        let isTaken = false
        const result = await this.#transition(id, (current) => {
          isTaken = executor.attemptOf(id) !== undefined
          if (isTaken) return undefined
          if (isFinished(current)) throw wrongState(current, stop.kind === 'cancel' ? 'cancelled' : 'paused')
          return isDone(current) ? undefined : stop
        })
        if (!isTaken) return result
      }
    }
    return await this.#call(`${stop.kind} an operation`, options, work)
  }

  /** Removes a page of finished operations. How many. */
  async #deleteSome(filter: OperationFilter & { readonly finishedBefore?: number }): Promise<number> {
    const { ledger, store } = this.#parts
    await ledger.applied()
    const ids = store.index.finished(filter, deletedAtOnce)
    return await this.#remove(ids, isFinished)
  }

  /** Removes operations that are still what was meant. How many. */
  async #remove(ids: readonly number[], isMeant: (operation: LoggedOperation) => boolean): Promise<number> {
    const { ledger } = this.#parts
    using turns = new DisposableStack()
    // Nobody queues one of them again meanwhile.
    for (const id of ids) turns.use(await ledger.turn(id))
    const over = ids.filter((id) => {
      const operation = ledger.load(id)
      return operation !== undefined && isMeant(operation)
    })
    if (over.length > 0) await ledger.commit([{ kind: 'delete', at: ledger.clock(), ids: over }], () => [])
    return over.length
  }

  async #archive(filter: OperationFilter, finishedBefore: number): Promise<ArchiveReport> {
    using _turn = await this.#archiving.acquire()
    const { disk, path, ledger } = this.#parts
    const written = new Map<number, number>()
    const pages = this.#finishedPages(filter, finishedBefore, written)
    const some = await begun(pages)
    if (some === undefined) return { operations: 0, bytes: 0 }
    const name = String(ledger.acknowledged).padStart(16, '0')
    const { file, bytes } = await writeArchive(disk, path, name, some)
    let operations = 0
    const ids = [...written.keys()]
    for (let at = 0; at < ids.length; at += deletedAtOnce) {
      // What has changed since it was written is not what is in the file.
      operations += await this.#remove(
        ids.slice(at, at + deletedAtOnce),
        ({ id, lsn }) => written.get(id) === lsn,
      )
    }
    return { operations, file, bytes }
  }

  /** Finished operations; notes their ids, and the records that changed them last. */
  async *#finishedPages(
    { states = finishedStates, ...filter }: OperationFilter,
    finishedBefore: number,
    written: Map<number, number>,
  ): Pages {
    const ended = states.filter((state) => finishedStates.includes(state))
    if (ended.length === 0) return
    for await (const page of pagesOf(this, { ...filter, states: ended })) {
      const meant = page.filter(({ finishedAt }) => finishedAt !== undefined && finishedAt < finishedBefore)
      for (const { id, lsn } of meant) written.set(id, lsn)
      if (meant.length > 0) yield meant
      if (written.size >= archivedAtOnce) return
    }
  }
}

function wrongState({ id, state }: LoggedOperation, what: string): WalError {
  return new WalError('WAL_STATE', `Operation ${id} is ${state} and cannot be ${what}`)
}
