/** B-5: object hit ratio with sizes of four orders of magnitude, beside GDSF. */
import { createMemoryCache } from '@ipfs-kit/cache'
import { gdsfHits } from './gdsf.ts'
import { numbers } from './keys.ts'
import { median, round3, type Row } from './row.ts'
import { cells, readTrace } from './traces.ts'

export const sizes: Row = {
  specs: [
    {
      id: 'B-5.bytes',
      measure:
        'object hit ratio of the default over that of GDSF: mean over the 16 cells with log-normal sizes, 100 B to 1 MiB',
      unit: 'ratio',
      bar: '>= 0.95',
    },
  ],
  async measure({ quick, traces, log }) {
    const samples: number[] = []
    const worst: number[] = []
    for (let seed = 1; seed <= (quick ? 1 : 7); seed += 1) {
      const ratios = cells.map((cell) => {
        const { requests, keys } = readTrace(traces, cell.trace)
        const drawn = logNormal(keys, seed)
        const maxBytes = Math.floor((cell.entries * drawn.reduce((sum, size) => sum + size, 0)) / keys)
        const cache = createMemoryCache<true>({ maxBytes })
        const names = Array.from({ length: keys }, (_, key) => `key ${key}`)
        let hits = 0
        for (const key of requests) {
          if (cache.get(names[key]!) !== undefined) hits += 1
          else cache.set(names[key]!, true, { bytes: drawn[key]! })
        }
        return hits / gdsfHits(requests, drawn, maxBytes)
      })
      samples.push(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length)
      worst.push(Math.min(...ratios))
      log(`B-5, seed ${seed}: ${samples.at(-1)!.toFixed(3)}, worst cell ${worst.at(-1)!.toFixed(3)}`)
    }
    return {
      'B-5.bytes': {
        value: round3(median(samples)),
        samples: samples.map(round3),
        detail: { worstCell: round3(Math.min(...worst)), medianBytes, sigma },
      },
    }
  },
}

const medianBytes = 16_384
const sigma = 1.5

function logNormal(count: number, seed: number): Float64Array {
  const next = numbers(seed * 7919)
  const uniform = (): number => (next() + 0.5) / 2 ** 32
  return Float64Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
    return Math.round(Math.min(1_048_576, Math.max(100, medianBytes * Math.exp(sigma * normal))))
  })
}
