/** E-2.get: verified gets of 256 KiB, against the file blockstore with the same verification. */
import { createHash, subtle } from 'node:crypto'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { openFileStore } from './file-stores.ts'
import { KiB, randomBlocks, shuffled, type Block } from './content.ts'
import { inFlight, interleave, medianOf, rates, timed } from './rounds.ts'
import type { Row } from './row.ts'

const id = 'E-2.get'
const atOnce = 32

type Verify = (chunks: AsyncIterable<Uint8Array>) => Promise<Uint8Array>

export const largeGets: Row = {
  specs: [
    {
      id,
      measure: '256 KiB verified gets, ratio to blockstore-fs with the same verification, 32 in flight',
      unit: 'ratio',
      bar: '>= 1.8',
    },
  ],

  async measure({ quick, folder, log }) {
    const count = quick ? 128 : 512
    const content = randomBlocks(count, 256 * KiB)
    await using blocks = await openBlocks({ path: join(folder, 'blocks') })
    const files = await openFileStore(join(folder, 'files'))
    await inFlight(count, atOnce, (at) => blocks.put(content[at]!.cid, content[at]!.bytes))
    await inFlight(count, atOnce, (at) => files.put(content[at]!.cid, content[at]!.bytes))

    let seed = 0
    const pass = (read: (block: Block) => Promise<boolean>): Promise<number> => {
      const order = shuffled(count, (seed += 1))
      return timed(() =>
        inFlight(count, atOnce, async (at) => {
          const block = content[order[at]!]!
          if (!(await read(block))) throw new Error(`${block.cid} was not read`)
        }),
      )
    }
    const byFiles = (verify: Verify) => () =>
      pass(async ({ cid }) => Buffer.compare(await verify(files.get(cid)), cid.multihash.digest) === 0)
    const times = await interleave(
      {
        blocks: () =>
          pass(async ({ cid, bytes }) => (await blocks.get(cid))?.byteLength === bytes.byteLength),
        filesHashedHere: byFiles(hashHere),
        filesHashedOnPool: byFiles(hashOnPool),
      },
      { rounds: quick ? 3 : 9, warmup: 2, what: id, log },
    )
    const ratios = times['blocks']!.map(
      (took, round) =>
        Math.min(times['filesHashedHere']![round]!, times['filesHashedOnPool']![round]!) / took,
    )
    return {
      [id]: {
        ...medianOf(ratios),
        detail: {
          getsPerSecond: rates(times, count),
          getsPerRound: count,
          order: 'random',
          how: 'blockstore-fs is verified in two ways, chunk by chunk on the main thread and whole on the thread pool; the ratio is to the faster of the two in each round',
        },
      },
    }
  },
}

const hashHere: Verify = async (chunks) => {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest()
}

const hashOnPool: Verify = async (chunks) => {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return new Uint8Array(await subtle.digest('SHA-256', Buffer.concat(all)))
}
