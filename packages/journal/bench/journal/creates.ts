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
    const figures: Rate[][] = []
    for (let round = 0; round < rounds; round += 1) {
      const path = join(folder, 'home')
      await using worker = startWorker()
      await worker.ask('warmUp', { path: join(folder, 'first') })
      await worker.ask('open', { path })
      const rates: Rate[] = []
      for (let from = 0; from < files; from += piece) {
        const { seconds, cpuSeconds } = await worker.ask('create', { from, to: from + piece })
        rates.push({ perSecond: piece / seconds, perCpuSecond: piece / cpuSeconds })
      }
      log(
        `D-1.flat, round ${round + 1}: ${rates.map(({ perSecond }) => Math.round(perSecond)).join(', ')} creates/s`,
      )
      figures.push(rates)
      await worker.ask('close', {})
      await rm(path, { recursive: true })
    }
    const toFirst = (rates: readonly Rate[], by: keyof Rate): number[] =>
      rates.map((rate) => rate[by] / rates[0]![by])
    const ratioOfLast = (by: keyof Rate) => medianOf(figures.map((rates) => toFirst(rates, by).at(-1)!))
    const detail = {
      files,
      firstPerSecond: round3(median(figures.map((rates) => rates[0]!.perSecond))),
      lastPerSecond: round3(median(figures.map((rates) => rates.at(-1)!.perSecond))),
      byProcessorTime: ratioOfLast('perCpuSecond').value,
      slowest: medianOf(figures.map((rates) => Math.min(...toFirst(rates, 'perSecond')))).value,
      slowestByProcessorTime: medianOf(figures.map((rates) => Math.min(...toFirst(rates, 'perCpuSecond'))))
        .value,
      how: '64 writers, files of 1 KiB, all in one folder, with the checkpoints of the journal beside them; each round in a process of its own, warmed up; slowest: the slowest 10,000 of all against the first; byProcessorTime: the same ratio by the time of the processors, which others on the machine disturb less',
    }
    return { 'D-1.flat': { ...ratioOfLast('perSecond'), detail } }
  },
}
