/** E-1.get: verified gets of 4 KiB, against the file blockstore without verification. */
import { join } from 'node:path'
import { drain, openFileStore } from './file-stores.ts'
import { KiB, randomBlocks, shuffled } from './content.ts'
import { compare, inFlight, interleave, rates, timed } from './rounds.ts'
import type { Row } from './row.ts'
import { openStockedStore } from './stocked-store.ts'

const id = 'E-1.get'
const atOnce = 32

export const smallGets: Row = {
  specs: [
    {
      id,
      measure: '4 KiB verified gets, ratio to blockstore-fs without verification, 32 in flight',
      unit: 'ratio',
      bar: '>= 6',
    },
  ],

  async measure({ quick, folder, log }) {
    const entries = quick ? 100_000 : 1_000_000
    const count = quick ? 1024 : 8192
    const content = randomBlocks(count, 4 * KiB)
    await using store = await openStockedStore(join(folder, 'blocks'), entries, log)
    const files = await openFileStore(join(folder, 'files'))
    await inFlight(count, atOnce, (at) => store.blocks.put(content[at]!.cid, content[at]!.bytes))
    await inFlight(count, atOnce, (at) => files.put(content[at]!.cid, content[at]!.bytes))

    let seed = 0
    const pass = async (read: (at: number) => Promise<number | undefined>): Promise<number> => {
      const order = shuffled(count, (seed += 1))
      return timed(() =>
        inFlight(count, atOnce, async (at) => {
          const bytes = await read(order[at]!)
          if (bytes !== 4 * KiB) throw new Error(`A block has ${bytes} bytes`)
        }),
      )
    }
    const times = await interleave(
      {
        blocks: () => pass(async (at) => (await store.blocks.get(content[at]!.cid))?.byteLength),
        files: () => pass((at) => drain(files.get(content[at]!.cid))),
      },
      { rounds: quick ? 3 : 9, warmup: 2, what: id, log },
    )
    return {
      [id]: {
        ...compare(times, 'blocks', 'files'),
        detail: {
          getsPerSecond: rates(times, count),
          entriesBefore: entries,
          getsPerRound: count,
          order: 'random',
        },
      },
    }
  },
}
