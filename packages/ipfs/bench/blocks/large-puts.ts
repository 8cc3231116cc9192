/** E-2.put: cached puts of 256 KiB, against the file blockstore. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { openFileStore } from './file-stores.ts'
import { KiB, randomBlocks } from './content.ts'
import { compare, inFlight, interleave, rates, timed } from './rounds.ts'
import type { Measured, Row } from './row.ts'

const cases = [
  { id: 'E-2.put1', atOnce: 1, bar: '>= 1.3' },
  { id: 'E-2.put32', atOnce: 32, bar: '>= 0.9' },
] as const

export const largePuts: Row = {
  specs: cases.map(({ id, atOnce, bar }) => ({
    id,
    measure: `256 KiB cached puts, ${atOnce} in flight, as a ratio to blockstore-fs`,
    unit: 'ratio',
    bar,
  })),

  async measure({ quick, only, folder, log }) {
    const count = quick ? 128 : 512
    const content = randomBlocks(count, 256 * KiB)
    const measured: Record<string, Measured> = {}
    for (const { id, atOnce } of cases) {
      if (!only.has(id)) continue
      const ours = async (verify: 'now' | 'on-read'): Promise<number> => {
        const path = join(folder, 'blocks')
        const blocks = await openBlocks({ path })
        const took = await timed(() =>
          inFlight(count, atOnce, (at) => blocks.put(content[at]!.cid, content[at]!.bytes, { verify })),
        )
        await blocks.close()
        await rm(path, { recursive: true })
        return took
      }
      const peer = async (): Promise<number> => {
        const path = join(folder, 'files')
        const files = await openFileStore(path)
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
          putsPerRound: count,
          how: 'value: put with its default, which hashes the bytes; unverified: put with verify "on-read"; blockstore-fs never hashes. Each round in empty stores',
        },
      }
    }
    return measured
  },
}
