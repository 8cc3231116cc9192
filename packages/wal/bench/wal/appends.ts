/** C-1 and C-2: durable appends per second. */
import { type Contender, level, ourLog, rawFile, recordBytes, saturate, sqliteQueue } from './contenders.ts'
import { interleave, median, ratioOf, round3, type Run } from './rounds.ts'
import type { Measured, Row } from './row.ts'

const bars: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  'C-1': { 1: '>= 0.75', 64: '>= 0.75', 256: '>= 0.5' },
  'C-2': { 1: '>= 0.75', 64: '>= 1', 256: '>= 1.5' },
}

/** The rows of C-1 and C-2 at one number of appenders. */
export function appends(atOnce: number): Row {
  return {
    specs: [
      {
        id: `C-1.${atOnce}`,
        measure: `durable appends/s of 512 bytes at ${atOnce} appenders, as a share of a raw write + fdatasync per batch of that size`,
        unit: 'ratio',
        bar: bars['C-1']![atOnce]!,
      },
      {
        id: `C-2.${atOnce}`,
        measure: `durable appends/s of 512 bytes at ${atOnce} appenders, as a ratio to better-sqlite3 synchronous=FULL behind an equal queue`,
        unit: 'ratio',
        bar: bars['C-2']![atOnce]!,
      },
    ],
    async measure({ folder, quick, log }) {
      const [rounds, ms] = quick ? [3, 150] : [11, 500]
      await using ours = await ourLog(folder)
      await using sqlite = sqliteQueue(folder)
      using raw = rawFile(folder, atOnce * recordBytes)
      const figures = await interleave(
        {
          log: () => saturate(ours, atOnce, ms),
          raw: async () => {
            const began = performance.now()
            let written = 0
            for (; performance.now() < began + ms; written += atOnce) raw.write()
            return written / ((performance.now() - began) / 1000)
          },
          sqlite: () => saturate(sqlite, atOnce, ms),
        },
        rounds,
        log,
        `appends/s at ${atOnce}`,
      )
      const detail = detailOf(figures)
      return {
        [`C-1.${atOnce}`]: { ...ratioOf(figures.log, figures.raw), detail },
        [`C-2.${atOnce}`]: { ...ratioOf(figures.log, figures.sqlite), detail },
      }
    },
  }
}

/** The row of C-2.level. */
export const besideLevel: Row = {
  specs: [
    {
      id: 'C-2.level',
      measure:
        'durable appends/s of 512 bytes at 64 appenders, as a ratio to concurrent puts of classic-level with sync',
      unit: 'ratio',
      bar: '>= 10',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, ms] = quick ? [3, 150] : [11, 500]
    await using ours = await ourLog(folder)
    await using peer = await level(folder)
    const run =
      (contender: Contender): Run =>
      () =>
        saturate(contender, 64, ms)
    const contenders = { log: run(ours), level: run(peer) }
    const figures = await interleave(contenders, rounds, log, 'appends/s at 64')
    return { 'C-2.level': { ...ratioOf(figures.log, figures.level), detail: detailOf(figures) } }
  },
}

function detailOf(figures: Readonly<Record<string, readonly number[]>>): Measured['detail'] {
  return Object.fromEntries(
    Object.entries(figures).map(([name, all]) => [`${name}PerSecond`, round3(median(all))]),
  )
}
