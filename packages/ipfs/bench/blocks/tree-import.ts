/** E-4.files: a tree of small files into the node, durable and pinned, against the importer onto the file blockstore. */
import { contend } from './contend.ts'
import { compare, median, medianOf, rates, round3 } from './rounds.ts'
import type { Row } from './row.ts'

const what = '100,000 files of 4 KiB in 100 folders, durable and pinned'

export const treeImport: Row = {
  specs: [
    {
      id: 'E-4.files',
      measure: `${what}: ratio to importer + FsBlockstore unsynced`,
      unit: 'ratio',
      bar: '>= 4',
    },
    { id: 'E-4.files.rss', measure: `${what}: MiB of RSS grown`, unit: 'MiB', bar: '<= 300' },
  ],

  async measure(task) {
    const { quick, only } = task
    const files = quick ? 10_000 : 100_000
    const { times, reports } = await contend(
      {
        worker: new URL('tree-import-worker.ts', import.meta.url),
        flavours: only.has('E-4.files') ? ['node', 'unsynced'] : ['node'],
        amount: files,
        rounds: quick ? 1 : 3,
        what: 'E-4.files',
      },
      task,
    )
    const grown = (flavour: string): number[] => (reports[flavour] ?? []).map(({ grownMiB }) => grownMiB)
    const detail = {
      files,
      filesPerSecond: rates(times, files),
      how: 'each import in a process of its own, from its first file on; each file a buffer of its own',
    }
    return {
      ...(only.has('E-4.files') ? { 'E-4.files': { ...compare(times, 'node', 'unsynced'), detail } } : {}),
      'E-4.files.rss': {
        ...medianOf(grown('node')),
        detail: {
          ...detail,
          peerMiB: grown('unsynced').length === 0 ? null : round3(median(grown('unsynced'))),
          of: 'peak of the resident memory of the process during the import, over what it had before',
        },
      },
    }
  },
}
