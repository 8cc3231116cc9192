/** The caches beside lru-cache, the reference ratios of the traces, GDSF and Belady's optimum. */
import { fileURLToPath } from 'node:url'
import { limits } from './cache/limits.ts'
import { memory } from './cache/memory.ts'
import { ratios } from './cache/ratios.ts'
import { prefetch } from './cache/prefetch.ts'
import type { Measured, Row, Spec } from './cache/row.ts'
import { sizes } from './cache/sizes.ts'
import { speed } from './cache/speed.ts'
import { sprite } from './cache/sprite.ts'
import { tieredHot } from './cache/tiered-hot.ts'

const rows: readonly Row[] = [ratios, sizes, limits, memory, speed, tieredHot, prefetch, sprite]

/** What the runner of the benches calls. */
export default {
  area: 'cache',
  ids: rows.flatMap((row) => row.specs.map(({ id }) => id)),
  options: { traces: 'the folder of the traces' },
  run,
}

interface Options {
  readonly quick: boolean
  readonly only?: ReadonlySet<string>
  readonly given: Readonly<Record<string, string>>
  readonly log: (line: string) => void
}

interface Result extends Spec, Partial<Omit<Measured, 'value'>> {
  readonly value: number | null
  readonly why?: string
}

async function run({ quick, only, given, log }: Options): Promise<Result[]> {
  const traces = given.traces ?? fileURLToPath(new URL('../../../../shared/traces', import.meta.url))
  const results: Result[] = []
  for (const row of rows) {
    const specs = row.specs.filter(({ id }) => only === undefined || only.has(id))
    if (specs.length === 0) continue
    try {
      const measured = await row.measure({ quick, only: new Set(specs.map(({ id }) => id)), traces, log })
      results.push(...specs.map((spec) => ({ ...spec, ...measured[spec.id]! })))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      results.push(...specs.map((spec) => ({ ...spec, value: null, why })))
    }
  }
  return results
}
