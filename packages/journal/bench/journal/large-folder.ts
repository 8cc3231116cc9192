/** D-3 and D-5: a folder of 1,000,000 files, what it takes in memory, and its first page. */
import { join } from 'node:path'
import { median, medianOf, round3 } from './rounds.ts'
import type { Row } from './row.ts'
import { startWorker } from './worker.ts'

export const largeFolder: Row = {
  specs: [
    {
      id: 'D-3.list',
      measure: 'first page, 1,000 entries, of a folder of 1,000,000 files (--quick: 50,000)',
      unit: 'ms',
      bar: '<= 100',
    },
    {
      id: 'D-5.memory',
      measure: 'memory grown by a tree of 1,000,000 files (--quick: 50,000)',
      unit: 'MiB',
      bar: '<= 300',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, files, step] = quick ? [3, 50_000, 10_000] : [5, 1_000_000, 50_000]
    const path = join(folder, 'home')
    const grown: number[] = []
    let most = 0
    let seconds = 0
    {
      await using worker = startWorker()
      await worker.ask('warmUp', { path: join(folder, 'first') })
      await worker.ask('open', { path })
      const before = await worker.ask('memory', {})
      for (let from = 0; from < files; from += step) {
        const took = await worker.ask('create', { from, to: from + step })
        seconds += took.seconds
        const { MiB, peakMiB } = await worker.ask('memory', {})
        grown.push(MiB - before.MiB)
        most = Math.max(most, peakMiB - before.MiB)
        log(
          `D-5.memory: ${from + step} files, ${Math.round(step / took.seconds)}/s, ${Math.round(MiB - before.MiB)} MiB grown`,
        )
      }
      await worker.ask('checkpoint', {})
      await worker.ask('close', {})
    }
    const pages: number[] = []
    const opened: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      await using worker = startWorker()
      const before = await worker.ask('memory', {})
      await worker.ask('open', { path })
      const { ms, entries } = await worker.ask('firstPage', {})
      if (entries !== 1000) throw new Error(`The first page has ${entries} entries`)
      pages.push(ms)
      opened.push((await worker.ask('memory', {})).MiB - before.MiB)
      await worker.ask('close', {})
    }
    return {
      'D-3.list': {
        ...medianOf(pages),
        detail: {
          files,
          how: 'each in a fresh process that has opened node and journal and nothing else; the page cache of the system is warm',
        },
      },
      'D-5.memory': {
        value: round3(grown.at(-1)!),
        samples: grown.map(round3),
        detail: {
          files,
          createsPerSecond: round3(files / seconds),
          peakMiB: round3(most),
          openedMiB: round3(median(opened)),
          how: 'resident memory of the process that has written them, with the index of their blocks, over that before the first one, all garbage collected; peakMiB: the most at any time; openedMiB: of a fresh process, its openings and a page',
        },
      },
    }
  },
}
