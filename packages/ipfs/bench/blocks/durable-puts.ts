/** E-3: puts of 4 KiB that are durable before they are answered, as a share of cached ones. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openBlocks, type Blocks } from '@ipfs-kit/blocks'
import { KiB, randomBlocks, type Block } from './content.ts'
import { compare, inFlight, interleave, rates, timed } from './rounds.ts'
import type { Row } from './row.ts'

const id = 'E-3.durable'
const atOnce = 256

export const durablePuts: Row = {
  specs: [
    {
      id,
      measure: '4 KiB durable puts at 256 in flight, as a share of cached ones',
      unit: 'ratio',
      bar: '>= 0.5',
    },
  ],

  async measure({ quick, folder, log }) {
    const count = quick ? 4096 : 16_384
    const content = randomBlocks(count, 4 * KiB)
    const syncs: number[] = []
    const run = async (put: (blocks: Blocks, block: Block) => Promise<unknown>): Promise<number> => {
      const path = join(folder, 'blocks')
      const blocks = await openBlocks({ path })
      const took = await timed(() => inFlight(count, atOnce, (at) => put(blocks, content[at]!)))
      if (put === putDurably) syncs.push(blocks.stats().syncs)
      await blocks.close()
      await rm(path, { recursive: true })
      return took
    }
    const times = await interleave(
      {
        durable: () => run(putDurably),
        cached: () => run((blocks, { cid, bytes }) => blocks.put(cid, bytes)),
      },
      { rounds: quick ? 3 : 9, warmup: 2, what: id, log },
    )
    return {
      [id]: {
        ...compare(times, 'durable', 'cached'),
        detail: {
          putsPerSecond: rates(times, count),
          putsPerRound: count,
          syncsPerRound: syncs,
          how: 'each put opens a lease, puts, flushes and closes it; a put is answered after the flush',
        },
      },
    }
  },
}

/** What a writer does that answers only for what survives a power loss. */
async function putDurably(blocks: Blocks, { cid, bytes }: Block): Promise<void> {
  using lease = blocks.lease()
  await lease.put(cid, bytes)
  await lease.flush()
}
