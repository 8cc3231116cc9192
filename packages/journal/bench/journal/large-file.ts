/** D-4: 1 GiB written into the filesystem, beside an add. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB } from './content.ts'
import { interleave, median, ratioOf, round3 } from './rounds.ts'
import type { Row } from './row.ts'
import { startWorker } from './worker.ts'

export const largeFile: Row = {
  specs: [
    {
      id: 'D-4.write',
      measure:
        '1 GiB (--quick: 128 MiB) written through the filesystem, as a share of files.add of the same bytes',
      unit: 'ratio',
      bar: '>= 0.7',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, size] = quick ? [2, 128 * MiB] : [5, 1024 * MiB]
    const cids = new Map<number, string>()
    const rate = (by: 'journal' | 'add') => async (round: number) => {
      const path = join(folder, by)
      await using worker = startWorker()
      await worker.ask('open', { path })
      const { seconds, cid } = await worker.ask('writeLarge', { by, bytes: size, seed: round })
      await worker.ask('close', {})
      await rm(path, { recursive: true })
      if ((cids.get(round) ?? cid) !== cid) throw new Error(`${by} gives ${cid}, and not ${cids.get(round)}`)
      cids.set(round, cid)
      return size / MiB / seconds
    }
    const figures = await interleave(
      { journal: rate('journal'), add: rate('add') },
      rounds,
      log,
      'D-4.write, MiB/s',
    )
    const detail = {
      journalMiBPerSecond: round3(median(figures.journal)),
      addMiBPerSecond: round3(median(figures.add)),
      how: 'a stream of pieces of 64 KiB; each in a process and a home of its own, after one of 32 MiB',
    }
    return { 'D-4.write': { ...ratioOf(figures.journal, figures.add), detail } }
  },
}
