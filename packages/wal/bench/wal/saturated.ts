/** C-3: what a saturated log does to the event loop, and to the slowest of its answers. */
import { type Contender, ourLog, rawFile, recordBytes, saturate, sqliteQueue } from './contenders.ts'
import { interleave, median, quantile, ratioOf, round3, type Run } from './rounds.ts'
import type { Row } from './row.ts'

const atOnce = 64

export const saturated: Row = {
  specs: [
    {
      id: 'C-3.turn',
      measure:
        'event-loop turn p99 with 64 appenders, as a share of that with better-sqlite3 on the main thread',
      unit: 'ratio',
      bar: '<= 0.1',
    },
    {
      id: 'C-3.commit',
      measure: 'p99/p50 of an append with 64 appenders, as a multiple of p99/p50 of a raw write + fdatasync',
      unit: 'ratio',
      bar: '<= 2',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, ms] = quick ? [3, 300] : [9, 1500]
    await using ours = await ourLog(folder)
    await using sqlite = sqliteQueue(folder)
    using raw = rawFile(folder, atOnce * recordBytes)
    const found: Record<'log' | 'sqlite', number[]> = { log: [], sqlite: [] }
    const turns =
      (name: keyof typeof found, contender: Contender): Run =>
      async () => {
        const all = await turnsDuring(contender, ms)
        found[name].push(foundAtAnyTime(all))
        return quantile(all, 0.99)
      }
    const contenders = { log: turns('log', ours), sqlite: turns('sqlite', sqlite) }
    const turn = await interleave(contenders, rounds, log, 'turn p99, ms')
    const spread = await interleave(
      {
        log: async () => {
          const all: number[] = []
          await saturate(ours, atOnce, ms, (took) => all.push(took))
          return quantile(all, 0.99) / median(all)
        },
        raw: async () => {
          const all: number[] = []
          for (const began = performance.now(); performance.now() < began + ms;) {
            const before = performance.now()
            raw.write()
            all.push(performance.now() - before)
          }
          return quantile(all, 0.99) / median(all)
        },
      },
      rounds,
      log,
      'p99/p50 of an answer',
    )
    const medians = (figures: Readonly<Record<string, readonly number[]>>, unit: string) =>
      Object.fromEntries(Object.entries(figures).map(([name, all]) => [name + unit, round3(median(all))]))
    return {
      'C-3.turn': {
        ...ratioOf(turn.log, turn.sqlite),
        detail: { ...medians(turn, 'P99Ms'), ...medians(found, 'FoundP99Ms') },
      },
      'C-3.commit': { ...ratioOf(spread.log, spread.raw), detail: medians(spread, 'P99ToP50') },
    }
  },
}

/**
 * The length below which 99 % of the time is spent: what somebody finds who comes at any moment. Turns in which nothing is done are
 * many and short, so that the plain p99 is mostly theirs.
 */
function foundAtAnyTime(turns: readonly number[]): number {
  const sorted = Float64Array.from(turns).sort()
  const total = sorted.reduce((sum, one) => sum + one, 0)
  let passed = 0
  return sorted.find((one) => (passed += one) >= total * 0.99) ?? Number.NaN
}

/** How long each turn of the event loop took. */
async function turnsDuring(contender: Contender, ms: number): Promise<number[]> {
  const turns: number[] = []
  let goesOn = true
  let last = performance.now()
  const turn = (): void => {
    const now = performance.now()
    turns.push(now - last)
    last = now
    if (goesOn) setImmediate(turn)
  }
  setImmediate(turn)
  await saturate(contender, atOnce, ms)
  goesOn = false
  return turns
}
