/** The index in memory: for simulated runs, for reading a log without changing its folder, and as what the other is held to. */
import type { Batch } from './log.ts'
import { afterDependency, changed, interrupted } from './change.ts'
import { isFinished, isPending, ownLane, type LoggedOperation, type OperationState } from './operation.ts'
import type {
  IndexStats,
  KeyEntry,
  OperationCount,
  OperationFilter,
  OperationIndex,
  OperationQuery,
  Retention,
} from './operation-index.ts'
import { digestOf } from './params-digest.ts'
import { decodeRecord, promised, type WalRecord } from './record.ts'

/** Makes an empty index in memory. */
export function createMemoryIndex(): OperationIndex {
  return new MemoryIndex()
}

class MemoryIndex implements OperationIndex {
  appliedLsn = 0
  epoch = 0
  onReady: ((lane: string) => void) | undefined
  readonly #operations = new Map<number, LoggedOperation>()
  readonly #keys = new Map<string, KeyEntry>()
  /** Of each operation that others wait for: which ones. */
  readonly #dependents = new Map<number, Set<number>>()

  apply({ firstLsn, payloads }: Batch): void {
    const lanes = new Set<string>()
    for (const [at, payload] of payloads.entries()) this.#apply(firstLsn + at, decodeRecord(payload), lanes)
    this.appliedLsn = firstLsn + payloads.length - 1
    for (const lane of lanes) this.onReady?.(lane)
  }

  async applied(): Promise<void> {}

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
    const later = this.#pending(lane).filter(({ dueAt }) => dueAt > now)
    return later.length === 0 ? undefined : Math.min(...later.map(({ dueAt }) => dueAt))
  }

  expired(now: number, limit: number): number[] {
    const over = this.#all().filter(
      (operation) =>
        !isFinished(operation) && operation.expiresAt !== undefined && operation.expiresAt <= now,
    )
    return over.map(({ id }) => id).slice(0, limit)
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
    return [
      ...new Set(
        this.#all()
          .filter((operation) => !isFinished(operation))
          .flatMap(({ cids }) => cids),
      ),
    ]
  }

  async retain({ keysBefore, finishedBefore, keepFinished }: Retention) {
    let keys = 0
    for (const { key, id, at } of this.#keys.values()) {
      const operation = this.#operations.get(id)
      if (operation !== undefined && !isFinished(operation)) continue
      if (at < keysBefore && this.#keys.delete(key)) keys += 1
    }
    const ended = this.finished({}, Infinity)
    const gone = ended.filter(
      (id, at) => at < ended.length - keepFinished || this.get(id)!.finishedAt! < finishedBefore,
    )
    for (const id of gone) this.#operations.delete(id)
    return { operations: gone.length, keys }
  }

  stats(): IndexStats {
    const open = this.#all().filter((operation) => !isFinished(operation))
    const unfinishedBytes = open.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)), 0)
    return Object.freeze({
      appliedLsn: this.appliedLsn,
      lagMs: 0,
      queuedBytes: 0,
      operations: this.#operations.size,
      unfinished: open.length,
      unfinishedBytes,
    })
  }

  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #apply(lsn: number, record: WalRecord, lanes: Set<string>): void {
    if (record.kind === 'add') {
      this.#add(promised(lsn, record))
    } else if (record.kind === 'open') {
      this.epoch = record.epoch
      for (const operation of this.#all()) {
        if (operation.state === 'running') this.#put(interrupted(operation, lsn, record.at), lanes)
      }
    } else if (record.kind === 'delete') {
      for (const id of record.ids) {
        const operation = this.#operations.get(id)
        if (operation !== undefined && isFinished(operation)) this.#operations.delete(id)
      }
    } else {
      const operation = this.#operations.get(record.id)
      if (operation !== undefined) this.#put(changed(operation, lsn, record), lanes)
    }
  }

  #add(operation: LoggedOperation): void {
    const { id, key, createdAt } = operation
    let current: LoggedOperation = { ...operation, waitingFor: 0 }
    for (const other of operation.after) {
      const found = this.#operations.get(other)
      // What is not there any more has ended and was let go: who appends has checked that it had completed.
      if (found === undefined || found.state === 'completed') continue
      current = { ...current, waitingFor: current.waitingFor + 1 }
      if (isFinished(found)) current = afterDependency(current, other, false)
      else this.#dependents.set(other, (this.#dependents.get(other) ?? new Set()).add(id))
    }
    this.#operations.set(id, current)
    if (key !== undefined) this.#keys.set(key, { key, id, at: createdAt, digest: digestOf(operation) })
  }

  /** An operation has changed; if it has ended, those that wait for it are told. */
  #put(operation: LoggedOperation, lanes: Set<string>): void {
    this.#operations.set(operation.id, operation)
    if (!isFinished(operation)) return
    const dependents = this.#dependents.get(operation.id) ?? []
    this.#dependents.delete(operation.id)
    for (const id of dependents) {
      const waiting = this.#operations.get(id)
      if (waiting === undefined) continue
      const next = afterDependency(waiting, operation.id, operation.state === 'completed')
      this.#operations.set(id, next)
      if (isPending(next) && !isPending(waiting)) lanes.add(laneOf(next))
    }
  }

  #all(): LoggedOperation[] {
    return [...this.#operations.values()]
  }

  #pending(lane: string): LoggedOperation[] {
    return this.#all().filter((operation) => isPending(operation) && laneOf(operation) === lane)
  }
}

/** Whose limit and health an operation stands under. */
function laneOf({ backend = ownLane }: LoggedOperation): string {
  return backend
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
