/** C-4.start: opening a store that has many finished operations. */
import { join } from 'node:path'
import { openOperationStore } from '../../src/store/open-operation-store.ts'
import { interleave, median, ratioOf, round3 } from './rounds.ts'
import type { Row } from './row.ts'
import { completeMany } from './stored.ts'

export const start: Row = {
  specs: [
    {
      id: 'C-4.start',
      measure:
        'opening a store with 1,000,000 finished operations (--quick: 100,000) as a multiple of one with 10,000',
      unit: 'ratio',
      bar: '<= 1.2',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, many] = quick ? [5, 100_000] : [11, 1_000_000]
    const options = {
      keepFinished: { count: 10_000_000, maxAgeMs: Number.MAX_SAFE_INTEGER },
    }
    const made = async (operations: number): Promise<string> => {
      const path = join(folder, `${operations}`)
      await using store = await openOperationStore({ path, ...options })
      await completeMany(store, operations)
      await store.checkpoint()
      log(`${operations} finished operations are made`)
      return path
    }
    const opening = (path: string, operations: number) => async (): Promise<number> => {
      const began = performance.now()
      const store = await openOperationStore({ path, ...options })
      const took = performance.now() - began
      const { operations: found } = store.index.stats()
      await store.close()
      if (found !== operations) throw new Error(`${found} operations are there of ${operations}`)
      return took
    }
    const few = await made(10_000)
    const lots = await made(many)
    const figures = await interleave(
      { lots: opening(lots, many), few: opening(few, 10_000) },
      rounds,
      log,
      'opening, ms',
    )
    const detail = { operations: many, ms: round3(median(figures.lots)), fewMs: round3(median(figures.few)) }
    return { 'C-4.start': { ...ratioOf(figures.lots, figures.few), detail } }
  },
}
