/**
 * The filesystem over a node's block store on the disk. What is measured runs in processes of its own. Contenders take turns, and a
 * value is the median of the ratios of the rounds.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRate, flatRate } from './journal/creates.ts'
import { largeFile } from './journal/large-file.ts'
import { largeFolder } from './journal/large-folder.ts'
import { recovery } from './journal/recovery.ts'
import type { Measured, Row, Spec } from './journal/row.ts'

const rows: readonly Row[] = [createRate, flatRate, recovery, largeFolder, largeFile]

/** What the runner of the benches calls. */
export default { area: 'journal', ids: rows.flatMap(({ specs }) => specs.map(({ id }) => id)), run }

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
    const folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-bench-journal-'))
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
