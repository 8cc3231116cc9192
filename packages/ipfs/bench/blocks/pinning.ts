/** E-8: pinning a large DAG that is there, and unpinning it. */
import { join } from 'node:path'
import { openIpfs } from '@ipfs-kit/ipfs'
import type { CID } from 'multiformats/cid'
import { KiB, Pool } from './content.ts'
import { medianOf, round3, timed } from './rounds.ts'
import type { Row } from './row.ts'

export const pinning: Row = {
  specs: [
    { id: 'E-8.pin.pin', measure: 'pin a DAG of 100,000 blocks that is there', unit: 'ms', bar: '<= 400' },
    { id: 'E-8.pin.unpin', measure: 'unpin a DAG of 100,000 blocks', unit: 'ms', bar: '<= 5' },
  ],

  async measure({ quick, folder, log }) {
    const files = (quick ? 10_000 : 100_000) - 101
    await using node = await openIpfs({ path: join(folder, 'node') })
    let root: CID | undefined
    for await (const item of node.files.add(tree(files), { pin: false })) if ('items' in item) root = item.cid
    if (root === undefined) throw new Error('The tree was not added')
    const cid = root
    let blocks = 0
    let firstMs: number | undefined
    const times = { pin: [] as number[], unpin: [] as number[] }
    for (let round = -2; round < (quick ? 3 : 9); round += 1) {
      globalThis.gc?.()
      const pin = await timed(async () => {
        blocks = 0
        for await (const _ of node.pins.add(cid)) blocks += 1
      })
      const unpin = await timed(async () => {
        for await (const _ of node.pins.rm(cid));
      })
      firstMs ??= pin
      if (round < 0) continue
      times.pin.push(pin)
      times.unpin.push(unpin)
      log(`E-8.pin, round ${round + 1}: pin ${pin.toFixed(0)} ms, unpin ${unpin.toFixed(2)} ms`)
    }
    const detail = {
      blocks,
      firstPinMs: round3(firstMs ?? 0),
      how: 'a tree of files of 1 KiB in 100 folders, added without a pin, then pinned and unpinned in turn; from the call to the end of its stream, record included; the first pin, which finds the blocks as the add has left them, stands apart (firstPinMs)',
    }
    return {
      'E-8.pin.pin': { ...medianOf(times.pin), detail },
      'E-8.pin.unpin': { ...medianOf(times.unpin), detail },
    }
  },
}

function* tree(files: number) {
  const pool = new Pool()
  for (let number = 0; number < files; number += 1) {
    yield { path: `tree/folder-${number % 100}/file-${number}.bin`, content: pool.take(KiB) }
  }
}
