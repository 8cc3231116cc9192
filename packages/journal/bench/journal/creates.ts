/** D-1: how fast files are created, and whether that stays so. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { interleave, median, medianOf, ratioOf, round3 } from './rounds.ts'
import type { Row } from './row.ts'
import { startWorker } from './worker.ts'

/** What is measured at each end. */
const piece = 10_000

/** Creates in a second, and in a second of the processors. */
interface Rate {
  readonly perSecond: number
  readonly perCpuSecond: number
}

export const createRate: Row = {
  specs: [
    {
      id: 'D-1.create',
      measure:
        'durable creates/s of files of 1 KiB by 64 writers, as a share of appends/s of records of 1 KiB to a log',
      unit: 'ratio',
      bar: '>= 0.05',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, files, appended] = quick ? [2, 2000, 20_000] : [7, piece, 100_000]
    await using worker = startWorker()
    await worker.ask('warmUp', { path: join(folder, 'first') })
    await worker.ask('open', { path: join(folder, 'home') })
    const path = join(folder, 'log')
    let from = 0
    const figures = await interleave(
      {
        creates: async () => {
          const to = from + files
          const { seconds } = await worker.ask('create', { from, to })
          from = to
          return files / seconds
        },
        appends: async () =>
          appended / (await worker.ask('appendRecords', { path, count: appended })).seconds,
      },
      rounds,
      log,
      'D-1.create, a second',
    )
    await worker.ask('close', {})
    const detail = {
      createsPerSecond: round3(median(figures.creates)),
      appendsPerSecond: round3(median(figures.appends)),
      files,
      how: 'in one process, in turns; all files in one folder, which grows from round to round, with the checkpoints of the journal beside them',
    }
    return { 'D-1.create': { ...ratioOf(figures.creates, figures.appends), detail } }
  },
}

export const flatRate: Row = {
  specs: [
    {
      id: 'D-1.flat',
      measure: 'creates/s of the last 10,000 of 200,000 files (--quick: 40,000) against the first 10,000',
      unit: 'ratio',
      bar: '>= 0.8',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, files] = quick ? [1, 40_000] : [3, 200_000]
    const figures: Record<'first' | 'between' | 'last', Rate>[] = []
    for (let round = 0; round < rounds; round += 1) {
      const path = join(folder, 'home')
      await using worker = startWorker()
      await worker.ask('warmUp', { path: join(folder, 'first') })
      await worker.ask('open', { path })
      const rate = async (from: number, to: number): Promise<Rate> => {
        const { seconds, cpuSeconds } = await worker.ask('create', { from, to })
        return { perSecond: (to - from) / seconds, perCpuSecond: (to - from) / cpuSeconds }
      }
      const first = await rate(0, piece)
      const between = await rate(piece, files - piece)
      const last = await rate(files - piece, files)
      const shown = [first, between, last].map(({ perSecond }) => Math.round(perSecond))
      log(`D-1.flat, round ${round + 1}: ${shown.join(', ')} creates/s`)
      figures.push({ first, between, last })
      await worker.ask('close', {})
      await rm(path, { recursive: true })
    }
    const perSecond = (part: 'first' | 'between' | 'last'): number =>
      round3(median(figures.map((one) => one[part].perSecond)))
    const detail = {
      files,
      firstPerSecond: perSecond('first'),
      betweenPerSecond: perSecond('between'),
      lastPerSecond: perSecond('last'),
      byProcessorTime: medianOf(figures.map(({ first, last }) => last.perCpuSecond / first.perCpuSecond))
        .value,
      how: '64 writers, files of 1 KiB, all in one folder, with the checkpoints of the journal beside them, of which the last one begins 25,000 creates before the end; each round in a process of its own, warmed up; byProcessorTime: the same ratio by the time of the processors, which others on the machine disturb less',
    }
    const ratios = figures.map(({ first, last }) => last.perSecond / first.perSecond)
    return { 'D-1.flat': { ...medianOf(ratios), detail } }
  },
}
