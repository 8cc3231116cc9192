/** E-4.import: 1 GiB into the node, durable and pinned, against the importer onto its peers. */
import { GiB, MiB } from './content.ts'
import { contend } from './contend.ts'
import { compare, median, rates, round3 } from './rounds.ts'
import type { Row } from './row.ts'

const what = '1 GiB, unixfs-v1-2025, in process, durable and pinned'
const cases = [
  {
    id: 'E-4.import.null',
    peer: 'nodeDropped',
    of: 'share of the same import into a store that drops its blocks',
    bar: '>= 0.6',
  },
  {
    id: 'E-4.import.synced',
    peer: 'synced',
    of: 'ratio to FsBlockstore with one fdatasync per block',
    bar: '>= 1.8',
  },
  { id: 'E-4.import.unsynced', peer: 'unsynced', of: 'ratio to FsBlockstore unsynced', bar: '>= 1.4' },
] as const

export const fileImport: Row = {
  specs: cases.map(({ id, of, bar }) => ({ id, measure: `${what}: ${of}`, unit: 'ratio', bar })),

  async measure(task) {
    const { quick, only } = task
    const amount = quick ? 128 * MiB : GiB
    const asked = cases.filter(({ id }) => only.has(id))
    const { times, reports } = await contend(
      {
        worker: new URL('file-import-worker.ts', import.meta.url),
        flavours: [
          'node',
          ...asked.map(({ peer }) => peer),
          ...(only.has('E-4.import.null') ? ['dropped'] : []),
        ],
        amount,
        rounds: quick ? 2 : 5,
        what: 'E-4.import',
      },
      task,
    )
    const detail = {
      MiBPerSecond: rates(times, amount / MiB),
      grownMiB: Object.fromEntries(
        Object.entries(reports).map(([one, all]) => [
          one,
          round3(median(all.map(({ grownMiB }) => grownMiB))),
        ]),
      ),
      ...(only.has('E-4.import.null')
        ? { shareOfImporterDropping: compare(times, 'node', 'dropped').value }
        : {}),
      how: 'pieces of 64 KiB, none alike; each import in a process of its own after one of 32 MiB; null by the own code of the node, whose blocks are dropped (dropped: by the importer); synced and unsynced by the importer with its defaults',
    }
    return Object.fromEntries(asked.map(({ id, peer }) => [id, { ...compare(times, 'node', peer), detail }]))
  },
}
