/** B-3: hit ratios on the traces. */
import { createMemoryCache, lru, type Policy } from '@ipfs-kit/cache'
import { arc } from '@ipfs-kit/cache/arc'
import { s3Fifo } from '@ipfs-kit/cache/s3-fifo'
import { map } from '@ipfs-kit/concurrency'
import { beladyHits } from '../../src/replay/belady.ts'
import { round3, type Row } from './row.ts'
import { cells, readTrace } from './traces.ts'

export const ratios: Row = {
  specs: [
    {
      id: 'B-3.arc',
      measure: 'largest deviation from the reference hit ratios of ARC',
      unit: 'points',
      bar: '<= 0.1',
    },
    {
      id: 'B-3.default',
      measure: 'default policy: mean of (hit - LRU) / (MIN - LRU) over the 16 cells',
      unit: 'ratio',
      bar: '>= 0.3',
    },
    {
      id: 'B-3.worst',
      measure: 'default policy: how far its worst cell is below LRU',
      unit: 'points',
      bar: '<= 1.5',
    },
  ],
  async measure({ traces, log }) {
    const rows = await map(
      cells,
      async (cell) => {
        const { requests, keys } = readTrace(traces, cell.trace)
        const names = Array.from({ length: keys }, (_, key) => `key ${key}`)
        const percent = (policy: Policy | undefined): number => {
          const cache = createMemoryCache<true>({
            maxEntries: cell.entries,
            ...(policy === undefined ? {} : { policy }),
          })
          let hits = 0
          for (const key of requests) {
            if (cache.get(names[key]!) !== undefined) hits += 1
            else cache.set(names[key]!, true)
          }
          return (100 * hits) / requests.length
        }
        const row = {
          cell: `${cell.trace} ${cell.entries}`,
          reference: cell.arc,
          lru: percent(lru),
          arc: percent(arc),
          s3Fifo: percent(s3Fifo),
          default: percent(undefined),
          min: (100 * (await beladyHits({ requests, keys }, cell.entries))) / requests.length,
        }
        log(
          `B-3, ${row.cell}: LRU ${row.lru.toFixed(2)}, ARC ${row.arc.toFixed(2)}, S3-FIFO ${row.s3Fifo.toFixed(2)}, default ${row.default.toFixed(2)}, MIN ${row.min.toFixed(2)}`,
        )
        return row
      },
      { concurrency: 1 },
    )
    const deviations = rows.map((row) => Math.abs(row.arc - row.reference))
    const share = (of: 'default' | 'arc' | 's3Fifo'): number[] =>
      rows.map((row) => (row[of] - row.lru) / (row.min - row.lru))
    const below = rows.map((row) => row.lru - row.default)
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length
    const detail = {
      percent: rows.map(({ cell, ...values }) => ({
        cell,
        ...Object.fromEntries(Object.entries(values).map(([name, value]) => [name, round3(value)])),
      })),
      mean: { arc: round3(mean(share('arc'))), s3Fifo: round3(mean(share('s3Fifo'))) },
    }
    return {
      'B-3.arc': { value: round3(Math.max(...deviations)), samples: deviations.map(round3), detail },
      'B-3.default': { value: round3(mean(share('default'))), samples: share('default').map(round3), detail },
      'B-3.worst': { value: round3(Math.max(...below)), samples: below.map(round3), detail },
    }
  },
}
