/** The public face of an open log of operations. */
import { cancelScope, currentScope, run, type Owner } from '@ipfs-kit/concurrency'
import { hasKeys, type Appender } from './append-operations.ts'
import type { Stop } from '../executor/attempt.ts'
import { BackendFollower, type BackendFollowers } from './backend-followers.ts'
import type { Calls } from './calls.ts'
import { checkCallOptions, checkLsn } from '../checks.ts'
import { WalError } from '../errors.ts'
import type { Executor } from '../executor/executor.ts'
import { follow } from './follow.ts'
import type { FollowFilter, Followers } from './followers.ts'
import type { Ledger, Unstamped } from './ledger.ts'
import type { CallOptions, ReadOptions } from '../log/log.ts'
import { admit } from './new-operation.ts'
import { checkFilter, checkId } from '../filter-checks.ts'
import { checkText, wholeNumber } from '../option-checks.ts'
import type { OperationFilter } from '../store/operation-index.ts'
import type { OperationStore, StoreVerifyReport } from '../store/operation-store.ts'
import { isFinished, type LoggedOperation } from '../store/operation.ts'
import { decodeRecord, type NumberedRecord } from '../store/record.ts'
import type { Removal } from './removal.ts'
import type { RetainedCids } from './retained-cids.ts'
import { wrongState, type Transitions } from './transitions.ts'
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
  WalFinding,
  WalStats,
} from './wal.ts'
import type { Waits } from './waits.ts'

/** What an open log of operations is made of. */
export interface OpenedWalOptions {
  readonly checked: CheckedOptions
  readonly config: Wal['config']
  readonly store: OperationStore
  readonly ledger: Ledger
  readonly appender: Appender
  readonly executor: Executor
  readonly transitions: Transitions
  readonly removal: Removal
  readonly retained: RetainedCids
  readonly calls: Calls
  readonly watch: Owner
  readonly waits: Waits
  readonly followers: Followers
  readonly backendFollowers: BackendFollowers
}

export class OpenedWal implements Wal {
  readonly config: Wal['config']
  readonly #parts: OpenedWalOptions
  #closing: Promise<void> | undefined

  constructor(parts: OpenedWalOptions) {
    this.config = parts.config
    this.#parts = parts
  }

  get findings(): readonly WalFinding[] {
    const { store, retained } = this.#parts
    return [...store.log.findings, ...store.findings, ...retained.findings]
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
    const { ledger } = this.#parts
    await ledger.applied(options)
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
    await ledger.applied({ signal })
    const page = store.index.list({ ...filter, ...(before !== undefined && { before }), limit: most })
    const operations = page.map((operation) => this.#shown(operation))
    return page.length < most ? { operations } : { operations, next: page.at(-1)!.id }
  }

  async wait(id: number, options?: CallOptions): Promise<LoggedOperation> {
    checkCallOptions(options)
    checkId(id)
    this.#checkOpen()
    const operation = this.#parts.transitions.load(id)
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
    checkCallOptions(options)
    checkId(id)
    const { transitions, ledger } = this.#parts
    const decide = (operation: LoggedOperation): Unstamped => {
      const { state } = operation
      if (state !== 'failed' && state !== 'cancelled') throw wrongState(operation, 'queued again')
      const after = operation.after.filter((other) => ledger.isUnfinished(other))
      return { kind: 'retry', ...(after.length > 0 && { after }) }
    }
    return await this.#call('queue an operation again', options, () => transitions.revive(id, decide))
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
    const { removal } = this.#parts
    let removed = 0
    for (;;) {
      const count = await this.#call('remove operations', { signal }, () => removal.deleteSome(wanted))
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
    if (from !== undefined) checkLsn(from, 'from')
    return this.#follow(id === undefined ? rest : { ...rest, id }, from, signal)
  }

  async archive(
    filter: OperationFilter & { readonly finishedBefore?: number } & CallOptions = {},
  ): Promise<ArchiveReport> {
    const { signal, finishedBefore = Infinity, ...rest } = filter
    checkCallOptions({ signal })
    checkFilter(rest)
    const { removal } = this.#parts
    return await this.#call('archive operations', { signal }, () =>
      removal.archive(this, rest, finishedBefore),
    )
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
    const { ledger, store, retained } = this.#parts
    await ledger.applied(options)
    return retained.of(store.index.retainedCids())
  }

  stats(): WalStats {
    const { store, executor, followers, ledger } = this.#parts
    const { running, stuck, isDraining } = executor
    const { completed, failed, retried } = ledger
    return Object.freeze({
      epoch: store.epoch,
      log: store.log.stats(),
      index: store.index.stats(),
      store: store.stats(),
      operations: Object.freeze(store.index.counts()),
      unfinished: ledger.unfinished,
      running,
      stuck,
      draining: isDraining,
      stopped: ledger.failure?.message,
      refused: ledger.refusal?.message,
      followers: followers.size,
      completed,
      failed,
      retried,
      backends: Object.freeze(executor.health),
    })
  }

  async close(): Promise<void> {
    let root = currentScope()
    while (root.parent !== undefined) root = root.parent
    this.#closing ??= cancelScope(() => this.#close(), { name: 'close', scope: root, shield: true })
    // A handler that closes its own log is waited for by that: it stops waiting when it is cancelled, as in any other wait.
    await (this.#parts.executor.isAroundCaller ? run(this.#closing) : this.#closing)
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
    yield* follow(this.#parts, filter, from, this.#parts.checked.maxFollowed, signal)
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

  /** A transition of an operation that no attempt has. */
  async #change(
    id: number,
    options: CallOptions | undefined,
    decide: (operation: LoggedOperation) => Unstamped | undefined,
  ): Promise<LoggedOperation> {
    checkCallOptions(options)
    checkId(id)
    const { transitions } = this.#parts
    return await this.#call('change an operation', options, () => transitions.change(id, decide))
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
    const { transitions } = this.#parts
    return await this.#call(`${stop.kind} an operation`, options, () => transitions.stop(id, stop, isDone))
  }
}
