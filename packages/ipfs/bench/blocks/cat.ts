/** E-5: a verified cat, against SHA-256 alone. */
import { hash, randomFillSync, subtle } from 'node:crypto'
import { join } from 'node:path'
import { openIpfs } from '@ipfs-kit/ipfs'
import { GiB, KiB, MiB, Pool } from './content.ts'
import { drain } from './file-stores.ts'
import { compare, inFlight, interleave, rates, timed } from './rounds.ts'
import type { Row } from './row.ts'

const id = 'E-5.cat'

export const cat: Row = {
  specs: [
    {
      id,
      measure: 'verified cat of 1 GiB, hot, MB/s as a share of SHA-256 alone',
      unit: 'ratio',
      bar: '>= 0.7',
    },
  ],

  async measure({ quick, folder, log }) {
    const amount = quick ? 128 * MiB : GiB
    await using node = await openIpfs({ path: join(folder, 'node') })
    const pool = new Pool()
    let root: string | undefined
    for await (const item of node.files.add([{ path: 'file.bin', content: pool.stream(amount, 64 * KiB) }]))
      if ('items' in item) root = String(item.cid)
    if (root === undefined) throw new Error('The file was not added')
    const path = root

    const buffers = Array.from({ length: 64 }, () => randomFillSync(new Uint8Array(MiB)))
    const count = amount / MiB
    const times = await interleave(
      {
        cat: () =>
          timed(async () => {
            const bytes = await drain((await node.files.cat(path)).body)
            if (bytes !== amount) throw new Error(`${bytes} bytes came back of ${amount}`)
          }),
        sha256: () =>
          timed(async () => buffersOf(buffers, count).forEach((one) => hash('sha256', one, 'buffer'))),
        sha256OnPool: () =>
          timed(() => inFlight(count, 8, (at) => subtle.digest('SHA-256', buffers[at % 64]!))),
      },
      { rounds: quick ? 3 : 7, warmup: 1, what: id, log },
    )
    return {
      [id]: {
        ...compare(times, 'cat', 'sha256'),
        detail: {
          MBPerSecond: rates(times, amount / 1e6),
          shareOfPool: compare(times, 'cat', 'sha256OnPool').value,
          how: 'SHA-256 alone over the same amount in buffers of 1 MiB: on the main thread (the value), and 8 at once on the thread pool',
        },
      },
    }
  },
}

function buffersOf(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => buffers[at % buffers.length]!)
}
