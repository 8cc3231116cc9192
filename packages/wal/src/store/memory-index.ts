/** The index in memory: for simulated runs, for reading a log without changing its folder, and as what the other is held to. */
import type { Batch } from '../log/log.ts'
import { applyRecord, laneOf, type OperationTable, putChanged } from './apply-record.ts'
import { abandoned, interrupted } from './change.ts'
import { isFinished, isPending, ownLane, type LoggedOperation, type OperationState } from './operation.ts'
import { entriesOf, partsOf } from './index-part.ts'
import { type Keeping, KeptOperations } from './kept-operations.ts'
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
} from './operation-index.ts'
import { decodeRecord, type WalConfig } from './record.ts'

/** An index in memory. */
export interface OperationsInMemory extends OperationIndex {
  /** The options of the last process that ran operations; absent if none has told them. */
  readonly config: WalConfig | undefined
  /** Shows that nobody has the log open: what is running is {@link abandoned}. Nothing is applied afterwards. */
  abandonRunning(): void
}

/** Makes an empty index in memory. */
export function createMemoryIndex(): OperationsInMemory {
  return new MemoryIndex()
}

class MemoryIndex implements OperationsInMemory, OperationTable {
  appliedLsn = 0
  epoch = 0
  config: WalConfig | undefined
  readonly failure = undefined
  onReady: ((lane: string) => void) | undefined
  readonly #ready = new Set<string>()
  readonly #operations = new Map<number, LoggedOperation>()
  /** Bytes of unfinished operations, and their sum. */
  readonly #unfinished = new Map<number, number>()
  #unfinishedBytes = 0
  /** CIDs of unfinished operations that name some. */
  readonly #claims = new Map<number, readonly string[]>()
  readonly #kept = new KeptOperations()
  readonly #keys = new Map<string, KeyEntry>()
  /** Of each operation that others wait for: which ones. */
  readonly #dependents = new Map<number, Set<number>>()

  apply({ firstLsn, payloads }: Batch): void {
    for (const [at, payload] of payloads.entries()) {
      applyRecord(this, firstLsn + at, decodeRecord(payload), this.#ready)
    }
    this.appliedLsn = firstLsn + payloads.length - 1
    const lanes = [...this.#ready]
    this.#ready.clear()
    for (const lane of lanes) this.onReady?.(lane)
  }

  async applied(): Promise<void> {}

  async recovered(): Promise<void> {}

  put(operation: LoggedOperation): void {
    const { id, cids } = operation
    const isOver = isFinished(operation)
    this.#operations.set(id, operation)
    this.#count(id, isOver ? 0 : Buffer.byteLength(JSON.stringify(operation)))
    if (isOver || cids.length === 0) this.#claims.delete(id)
    else this.#claims.set(id, cids)
  }

  remove({ id }: LoggedOperation): void {
    this.#operations.delete(id)
    this.#count(id, 0)
    this.#claims.delete(id)
  }

  putKey(entry: KeyEntry): void {
    this.#keys.set(entry.key, entry)
  }

  putConfig(config: WalConfig): void {
    this.config = config
  }

  addDependency(on: number, id: number): void {
    this.#dependents.set(on, (this.#dependents.get(on) ?? new Set()).add(id))
  }

  takeDependents(on: number): readonly number[] {
    const dependents = [...(this.#dependents.get(on) ?? [])]
    this.#dependents.delete(on)
    return dependents
  }

  interruptRunning(lsn: number, at: number): void {
    this.#replaceRunning((operation) => interrupted(operation, lsn, at))
  }

  abandonRunning(): void {
    this.#replaceRunning(abandoned)
  }

  get(id: number): LoggedOperation | undefined {
    return this.#operations.get(id)
  }

  byKey(key: string): KeyEntry | undefined {
    return this.#keys.get(key)
  }

  list({ before = Infinity, limit, ...filter }: OperationQuery): LoggedOperation[] {
    const found = this.#all().filter((operation) => operation.id < before && matches(operation, filter))
    return found.toSorted((a, b) => b.id - a.id).slice(0, limit)
  }

  counts(): OperationCount[] {
    const counts = new Map<string, OperationCount>()
    for (const { state, type, backend = ownLane } of this.#all()) {
      const of = JSON.stringify([state, type, backend])
      const operations = (counts.get(of)?.operations ?? 0) + 1
      counts.set(of, { state, type, backend, operations })
    }
    return [...counts.values()]
  }

  lanes(): string[] {
    return [...new Set(this.#all().filter(isPending).map(laneOf))]
  }

  due(lane: string, now: number, limit: number): LoggedOperation[] {
    const due = this.#pending(lane).filter(({ dueAt }) => dueAt <= now)
    return due.toSorted(byTurn).slice(0, limit)
  }

  nextDue(lane: string, now: number): number | undefined {
    return earliest(
      this.#pending(lane).map(({ dueAt }) => dueAt),
      now,
    )
  }

  expired(now: number, limit: number): number[] {
    const over = this.#all().filter(
      (operation) =>
        !isFinished(operation) && operation.expiresAt !== undefined && operation.expiresAt <= now,
    )
    const bySoonest = over.toSorted((a, b) => a.expiresAt! - b.expiresAt! || a.id - b.id)
    return bySoonest.slice(0, limit).map(({ id }) => id)
  }

  nextExpiry(now: number): number | undefined {
    const unfinished = this.#all().filter((operation) => !isFinished(operation))
    return earliest(
      unfinished.map(({ expiresAt = Infinity }) => expiresAt),
      now,
    )
  }

  finished(filter: OperationFilter & { readonly finishedBefore?: number }, limit: number): number[] {
    const { finishedBefore = Infinity, ...rest } = filter
    const ended = this.#all().filter(
      (operation) =>
        isFinished(operation) && operation.finishedAt! < finishedBefore && matches(operation, rest),
    )
    return ended
      .toSorted((a, b) => a.finishedAt! - b.finishedAt! || a.id - b.id)
      .map(({ id }) => id)
      .slice(0, limit)
  }

  retainedCids(): string[] {
    return [...new Set([...this.#claims.values()].flat())]
  }

  async retain({ keysBefore, finishedBefore, keepFinished }: Retention) {
    let keys = 0
    for (const { key, id, at } of this.#keys.values()) {
      const operation = this.#operations.get(id)
      if (operation !== undefined && !isFinished(operation)) continue
      if (at < keysBefore && this.#keys.delete(key)) keys += 1
    }
    const kept = new Set(this.#kept.ids(this.appliedLsn))
    const ended = this.finished({}, Infinity).filter((id) => !kept.has(id))
    const gone = ended.filter(
      (id, at) => at < ended.length - keepFinished || this.get(id)!.finishedAt! < finishedBefore,
    )
    for (const id of gone) this.remove(this.get(id)!)
    return { operations: gone.length, keys }
  }

  keep(ids: readonly number[]): Keeping {
    return this.#kept.keep(ids)
  }

  async retained(): Promise<void> {}

  async image(): Promise<IndexImage> {
    const operations = this.#all()
    const keys = [...this.#keys.values()]
    const waits = [...this.#dependents].flatMap(([on, ids]) => [...ids].map((id) => [on, id]))
    const config = this.config === undefined ? [] : [this.config]
    const head = {
      lsn: this.appliedLsn,
      epoch: this.epoch,
      operations: operations.length,
      keys: keys.length,
      waits: waits.length,
      config: config.length,
    }
    return {
      head,
      async *parts() {
        yield* partsOf('config', config)
        yield* partsOf('operations', operations)
        yield* partsOf('keys', keys)
        yield* partsOf('waits', waits)
      },
      async [Symbol.asyncDispose]() {},
    }
  }

  async load({ lsn, epoch }: Pick<ImageHead, 'lsn' | 'epoch'>, parts: AsyncIterable<IndexPart>) {
    this.#operations.clear()
    this.#unfinished.clear()
    this.#unfinishedBytes = 0
    this.#claims.clear()
    this.#keys.clear()
    this.#dependents.clear()
    this.config = undefined
    for await (const part of parts) {
      if (part.kind === 'operations') entriesOf<LoggedOperation>(part).forEach((one) => this.put(one))
      else if (part.kind === 'keys') entriesOf<KeyEntry>(part).forEach((one) => this.putKey(one))
      else if (part.kind === 'waits')
        entriesOf<[number, number]>(part).forEach(([on, id]) => this.addDependency(on, id))
      else entriesOf<WalConfig>(part).forEach((one) => this.putConfig(one))
    }
    this.appliedLsn = lsn
    this.epoch = epoch
  }

  async beside(): Promise<OperationIndex> {
    return new MemoryIndex()
  }

  async become(other: OperationIndex, catchUp: () => Promise<void>): Promise<void> {
    do await catchUp()
    while (other.appliedLsn < this.appliedLsn)
    await using image = await other.image()
    await this.load(image.head, image.parts())
  }

  stats(): IndexStats {
    return Object.freeze({
      appliedLsn: this.appliedLsn,
      lagMs: 0,
      queuedBytes: 0,
      operations: this.#operations.size,
      unfinished: this.#unfinished.size,
      unfinishedBytes: this.#unfinishedBytes,
      recovering: 0,
      isFull: false,
    })
  }

  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #count(id: number, bytes: number): void {
    this.#unfinishedBytes += bytes - (this.#unfinished.get(id) ?? 0)
    if (bytes > 0) this.#unfinished.set(id, bytes)
    else this.#unfinished.delete(id)
  }

  #replaceRunning(next: (operation: LoggedOperation) => LoggedOperation): void {
    for (const operation of this.#all()) {
      if (operation.state === 'running') putChanged(this, operation, next(operation), this.#ready)
    }
  }

  #all(): LoggedOperation[] {
    return [...this.#operations.values()]
  }

  #pending(lane: string): LoggedOperation[] {
    return this.#all().filter((operation) => isPending(operation) && laneOf(operation) === lane)
  }
}

function byTurn(a: LoggedOperation, b: LoggedOperation): number {
  return b.priority - a.priority || a.dueAt - b.dueAt || a.id - b.id
}

/** Whether a filter lets an operation through. */
export function matches(operation: LoggedOperation, filter: OperationFilter): boolean {
  const { states, types, backends, createdAfter = -Infinity, createdBefore = Infinity, paused } = filter
  const has = <T>(wanted: readonly T[] | undefined, value: T) =>
    wanted === undefined || wanted.includes(value)
  return (
    has<OperationState>(states, operation.state) &&
    has<string>(types, operation.type) &&
    has(backends, laneOf(operation)) &&
    operation.createdAt > createdAfter &&
    operation.createdAt < createdBefore &&
    (paused === undefined || operation.paused === paused)
  )
}

/** The first time after another one; `undefined` if there is none. */
function earliest(times: readonly number[], after: number): number | undefined {
  // Not `Math.min(...times)`: so many arguments no call takes.
  const first = times.reduce((least, time) => (time > after && time < least ? time : least), Infinity)
  return first === Infinity ? undefined : first
}
