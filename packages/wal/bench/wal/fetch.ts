/** C-6: fetching pending operations out of many. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { partsOf } from '../../src/store/index-part.ts'
import type { LoggedOperation } from '../../src/store/operation.ts'
import { openSqliteIndex } from '../../src/sqlite/sqlite-index.ts'
import { interleave, median, ratioOf, round3 } from './rounds.ts'
import type { Row } from './row.ts'
import { operationOf } from './stored.ts'

const wanted = 10_000
const now = 1_900_000_000_000

export const fetch: Row = {
  specs: [
    {
      id: 'C-6',
      measure:
        'fetch of 10,000 pending operations of 1,000,000 (--quick: 100,000), half of which have completed, as a multiple of a bare query of a table with a column for each field and an index for this order, its JSON columns parsed',
      unit: 'ratio',
      bar: '<= 1.5',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, operations] = quick ? [5, 100_000] : [15, 1_000_000]
    function* all(): Generator<LoggedOperation> {
      for (let id = 1; id <= operations; id += 1) {
        const operation = operationOf(id)
        yield id % 2 === 0 ? operation : { ...operation, state: 'completed', finishedAt: now, result: 'done' }
      }
    }
    await using index = await openSqliteIndex(join(folder, 'index.sqlite'))
    const parts = async function* () {
      yield* partsOf('operations', all())
    }
    await index.load({ lsn: operations, epoch: 1 }, parts())
    const bare = bareTable(join(folder, 'bare.db'), all())
    log(`${operations} operations are made`)
    const check = (found: readonly { readonly id: number }[]): void => {
      if (found.length !== wanted || found[0]!.id % 10 !== 8) throw new Error('other operations were found')
    }
    const figures = await interleave(
      {
        ours: async () => {
          const began = performance.now()
          const found = index.due('s3', now, wanted)
          const took = performance.now() - began
          check(found)
          return took
        },
        bare: async () => {
          const began = performance.now()
          const found = bare.fetch()
          const took = performance.now() - began
          check(found)
          return took
        },
      },
      rounds,
      log,
      `fetch of ${wanted}, ms`,
    )
    bare.close()
    const detail = { operations, ms: round3(median(figures.ours)), bareMs: round3(median(figures.bare)) }
    return { 'C-6': { ...ratioOf(figures.ours, figures.bare), detail } }
  },
}

/** What one would write who has no more than SQLite. */
function bareTable(path: string, all: Iterable<LoggedOperation>) {
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  database.exec(`
    CREATE TABLE jobs (
      id INTEGER PRIMARY KEY, lsn INTEGER, state INTEGER, type TEXT, backend TEXT, priority INTEGER, due_at INTEGER,
      paused INTEGER, waiting_for INTEGER, attempt_count INTEGER, attempt_limit INTEGER, timeout_ms INTEGER,
      max_attempts INTEGER, on_interrupted TEXT, created_at INTEGER,
      params TEXT, after_ids TEXT, cids TEXT, attempts TEXT
    );
    CREATE INDEX jobs_due ON jobs (backend, state, priority DESC, due_at, id);
  `)
  const insert = database.prepare(`INSERT INTO jobs VALUES (${Array(19).fill('?').join(', ')})`)
  database.transaction(() => {
    for (const one of all) {
      const { id, lsn, type, backend, priority, dueAt, waitingFor, attemptCount, attemptLimit } = one
      const { timeoutMs, maxAttempts, onInterrupted, createdAt, params, after, cids, attempts } = one
      const numbers = [0, waitingFor, attemptCount, attemptLimit, timeoutMs, maxAttempts]
      const texts = [params, after, cids, attempts].map((value) => JSON.stringify(value))
      const state = one.state === 'queued' ? 0 : 3
      insert.run(
        id,
        lsn,
        state,
        type,
        backend,
        priority,
        dueAt,
        ...numbers,
        onInterrupted,
        createdAt,
        ...texts,
      )
    }
  })()
  interface JobRow {
    readonly id: number
    readonly params: string
    readonly after_ids: string
    readonly cids: string
    readonly attempts: string
  }
  const query = database.prepare<[string, number, number], JobRow>(
    'SELECT * FROM jobs WHERE backend = ? AND state = 0 AND due_at <= ? ORDER BY priority DESC, due_at, id LIMIT ?',
  )
  return {
    fetch: () =>
      query.all('s3', now, wanted).map((row) => ({
        ...row,
        params: JSON.parse(row.params) as unknown,
        after_ids: JSON.parse(row.after_ids) as unknown,
        cids: JSON.parse(row.cids) as unknown,
        attempts: JSON.parse(row.attempts) as unknown,
      })),
    close: () => database.close(),
  }
}
