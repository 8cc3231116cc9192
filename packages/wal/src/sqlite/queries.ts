/** What is asked of the index in SQLite, on a connection that only reads. */
import type { Database, Statement } from 'better-sqlite3'
import type { LoggedOperation } from '../store/operation.ts'
import type { KeyEntry, OperationCount, OperationFilter, OperationQuery } from '../store/operation-index.ts'
import { allGroups, type GroupRow } from './groups.ts'

/** The text of all queries: each goes by an index, or reads a table of which all is wanted. */
export const queryTexts = {
  get: 'SELECT body FROM operations WHERE id = ?',
  byKey: 'SELECT key, id, at, digest FROM keys WHERE key = ?',
  groups: allGroups,
  newest: 'SELECT body FROM operations WHERE id < ? ORDER BY id DESC LIMIT ?',
  newestOfGroup: `SELECT id FROM operations WHERE group_id = ? AND id < ? AND created_at > ? AND created_at < ?
    ORDER BY id DESC LIMIT ?`,
  lanes: `WITH RECURSIVE found (lane) AS (
      SELECT (SELECT lane FROM operations WHERE lane >= '' ORDER BY lane LIMIT 1)
      UNION ALL
      SELECT (SELECT lane FROM operations WHERE lane > found.lane ORDER BY lane LIMIT 1) FROM found
        WHERE found.lane IS NOT NULL
    ) SELECT lane FROM found WHERE lane IS NOT NULL`,
  due: `SELECT body FROM operations WHERE lane = ? AND priority = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?`,
  nextDue: 'SELECT min(due_at) FROM operations WHERE lane = ? AND priority = ? AND due_at > ?',
  expired: 'SELECT id FROM operations WHERE expires_at <= ? ORDER BY expires_at, id LIMIT ?',
  nextExpiry: 'SELECT min(expires_at) FROM operations WHERE expires_at > ?',
  finished: 'SELECT id, group_id, created_at FROM operations WHERE finished_at < ? ORDER BY finished_at, id',
  cids: 'SELECT DISTINCT cid FROM cids',
} as const

/** The highest first. */
const priorities = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
const endOfTime = Number.MAX_VALUE

type Statements = { readonly [name in keyof typeof queryTexts]: Statement<unknown[], unknown> }

interface FinishedRow {
  readonly id: number
  readonly group_id: number
  readonly created_at: number
}

export class SqliteQueries {
  readonly #statements: Statements
  /** Runs a function that sees one state of the file. */
  readonly #asOne: <T>(look: () => T) => T

  constructor(database: Database) {
    const prepared = Object.entries(queryTexts).map(([name, text]) => [name, database.prepare(text)])
    this.#statements = Object.fromEntries(prepared) as Statements
    for (const name of plucked) this.#statements[name].pluck()
    const transaction = database.transaction((look: () => unknown) => look())
    this.#asOne = <T>(look: () => T) => transaction(look) as T
  }

  get(id: number): LoggedOperation | undefined {
    const body = this.#statements.get.get(id)
    return body === undefined ? undefined : operationOf(body)
  }

  byKey(key: string): KeyEntry | undefined {
    return this.#statements.byKey.get(key) as KeyEntry | undefined
  }

  list({ before = endOfTime, limit, ...filter }: OperationQuery): LoggedOperation[] {
    const { newest, newestOfGroup, get } = this.#statements
    if (Object.values(filter).every((value) => value === undefined)) {
      return newest.all(before, limit).map(operationOf)
    }
    const { createdAfter = -endOfTime, createdBefore = endOfTime } = filter
    return this.#asOne(() => {
      const ids = this.#groups(filter).flatMap(
        ({ id }) => newestOfGroup.all(id, before, createdAfter, createdBefore, limit) as number[],
      )
      const first = ids.sort((a, b) => b - a).slice(0, limit)
      return first.map((id) => operationOf(get.get(id)))
    })
  }

  counts(): OperationCount[] {
    const counts = new Map<string, OperationCount>()
    for (const { state, type, backend, operations } of this.#groups({})) {
      if (operations === 0) continue
      const of = JSON.stringify([state, type, backend])
      const before = counts.get(of)?.operations ?? 0
      counts.set(of, { state, type, backend, operations: before + operations })
    }
    return [...counts.values()]
  }

  lanes(): string[] {
    return this.#statements.lanes.all() as string[]
  }

  due(lane: string, now: number, limit: number): LoggedOperation[] {
    return this.#asOne(() => {
      const found: LoggedOperation[] = []
      for (const priority of priorities) {
        if (found.length >= limit) break
        const bodies = this.#statements.due.all(lane, priority, now, limit - found.length)
        for (const body of bodies) found.push(operationOf(body))
      }
      return found
    })
  }

  nextDue(lane: string, now: number): number | undefined {
    const times = this.#asOne(() =>
      priorities.map((priority) => this.#statements.nextDue.get(lane, priority, now) as number | null),
    ).filter((time) => time !== null)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  expired(now: number, limit: number): number[] {
    return this.#statements.expired.all(now, limit) as number[]
  }

  nextExpiry(now: number): number | undefined {
    return (this.#statements.nextExpiry.get(now) as number | null) ?? undefined
  }

  finished(filter: OperationFilter & { readonly finishedBefore?: number }, limit: number): number[] {
    const { finishedBefore = endOfTime, createdAfter = -endOfTime, createdBefore = endOfTime } = filter
    return this.#asOne(() => {
      const groups = new Set(this.#groups(filter).map(({ id }) => id))
      const found: number[] = []
      // It is read no further than to the last that is wanted.
      const rows = this.#statements.finished.iterate(finishedBefore)
      for (const { id, group_id, created_at } of rows as Iterable<FinishedRow>) {
        if (found.length >= limit) break
        if (!groups.has(group_id) || created_at <= createdAfter || created_at >= createdBefore) continue
        found.push(id)
      }
      return found
    })
  }

  retainedCids(): string[] {
    return this.#statements.cids.all() as string[]
  }

  #groups({ states, types, backends, paused }: OperationFilter): GroupRow[] {
    const has = <T>(wanted: readonly T[] | undefined, value: T) =>
      wanted === undefined || wanted.includes(value)
    return (this.#statements.groups.all() as GroupRow[]).filter(
      (row) =>
        has(states, row.state) &&
        has(types, row.type) &&
        has(backends, row.backend) &&
        (paused === undefined || (row.paused === 1) === paused),
    )
  }
}

const plucked = [
  'get',
  'newest',
  'newestOfGroup',
  'lanes',
  'due',
  'nextDue',
  'expired',
  'nextExpiry',
  'cids',
] as const

function operationOf(body: unknown): LoggedOperation {
  return JSON.parse(body as string) as LoggedOperation
}
