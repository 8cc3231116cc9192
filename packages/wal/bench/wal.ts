/**
 * The log, beside a bare file, SQLite and LevelDB. The contenders of a row take turns in one process, and a value is the median of
 * the ratios of the rounds.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appends, besideLevel } from './wal/appends.ts'
import { fetch } from './wal/fetch.ts'
import { length } from './wal/length.ts'
import type { Measured, Row, Spec } from './wal/row.ts'
import { saturated } from './wal/saturated.ts'
import { scan } from './wal/scan.ts'
import { start } from './wal/start.ts'
import { sustained } from './wal/sustained.ts'
import { wholeOperations } from './wal/whole-operations.ts'

const rows: readonly Row[] = [
  appends(1),
  appends(64),
  appends(256),
  sustained,
  besideLevel,
  saturated,
  scan,
  start,
  wholeOperations,
  fetch,
  length,
]

/** What the runner of the benches calls. */
export default { area: 'wal', ids: rows.flatMap(({ specs }) => specs.map(({ id }) => id)), run }

interface Options {
  readonly quick: boolean
  readonly only?: ReadonlySet<string>
  readonly log: (line: string) => void
}

type Result = Spec & (Measured | { readonly value: null; readonly why: string })

async function run({ quick, only, log }: Options): Promise<Result[]> {
  const results: Result[] = []
  for (const row of rows) {
    const wanted = row.specs.filter(({ id }) => only === undefined || only.has(id))
    if (wanted.length === 0) continue
    const folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-bench-wal-'))
    try {
      const measured = await row.measure({ folder, quick, log })
      results.push(...wanted.map((spec) => ({ ...spec, ...measured[spec.id]! })))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      results.push(...wanted.map((spec) => ({ ...spec, value: null, why })))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  return results
}
