/** E-1.put: cached puts of 4 KiB into a store with many entries, against the file blockstore. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openUsedFileStore } from './file-stores.ts'
import { KiB, randomBlocks } from './content.ts'
import { compare, inFlight, interleave, rates, timed } from './rounds.ts'
import type { Measured, Row } from './row.ts'
import { openStockedStore } from './stocked-store.ts'

const cases = [
  { id: 'E-1.put1', atOnce: 1, bar: '>= 8' },
  { id: 'E-1.put32', atOnce: 32, bar: '>= 8' },
  { id: 'E-1.put256', atOnce: 256, bar: '>= 5' },
] as const

export const smallPuts: Row = {
  specs: cases.map(({ id, atOnce, bar }) => ({
    id,
    measure: `4 KiB cached puts, ${atOnce} in flight, index already holding 1 M entries, as a ratio to blockstore-fs`,
    unit: 'ratio',
    bar,
  })),

  async measure({ quick, only, folder, log }) {
    const entries = quick ? 100_000 : 1_000_000
    await using store = await openStockedStore(join(folder, 'blocks'), entries, log)
    const measured: Record<string, Measured> = {}
    for (const { id, atOnce } of cases) {
      if (!only.has(id)) continue
      const count = (quick ? 4096 : 8192) / (atOnce === 1 ? 2 : 1)
      const content = randomBlocks(count, 4 * KiB)
      const ours = async (verify: 'now' | 'on-read'): Promise<number> => {
        const { blocksWritten } = store.blocks.stats()
        const took = await timed(() =>
          inFlight(count, atOnce, (at) => store.blocks.put(content[at]!.cid, content[at]!.bytes, { verify })),
        )
        const written = store.blocks.stats().blocksWritten - blocksWritten
        if (written !== count) throw new Error(`${written} blocks were written, not ${count}`)
        await store.clear()
        return took
      }
      const peer = async (): Promise<number> => {
        const path = join(folder, 'files')
        const files = await openUsedFileStore(path)
        const took = await timed(() =>
          inFlight(count, atOnce, (at) => files.put(content[at]!.cid, content[at]!.bytes)),
        )
        await rm(path, { recursive: true })
        return took
      }
      const times = await interleave(
        { blocks: () => ours('now'), unverified: () => ours('on-read'), files: peer },
        { rounds: quick ? 3 : 9, warmup: 2, what: id, log },
      )
      measured[id] = {
        ...compare(times, 'blocks', 'files'),
        detail: {
          putsPerSecond: rates(times, count),
          ratioVerifiedOnRead: compare(times, 'unverified', 'files').value,
          entriesBefore: entries,
          putsPerRound: count,
          how: 'value: put with its default, which hashes the bytes; unverified: put with verify "on-read"; blockstore-fs never hashes, and begins without blocks, but with all its folders',
        },
      }
    }
    return measured
  },
}
