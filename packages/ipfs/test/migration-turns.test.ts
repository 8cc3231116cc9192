import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { simDisk } from '@ipfs-kit/disk'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'
import { expect, it } from 'vitest'
import { findOldBlocks } from '../src/old-blocks.ts'
import { fileOf, path } from './old-disk.ts'

it('leaves others their turns while the names of a large shard are read', async () => {
  const disk = simDisk({ seed: 1 })
  await disk.makeFolder(`${path}/7Y`)
  // The name ends as the digest does.
  const entries = Array.from({ length: 20_000 }, (_, number) => {
    const digest = createHash('sha256').update(String(number)).digest()
    digest.set([0xff, 0xff], 30)
    const file = fileOf(CID.createV1(rawCode, create(0x12, digest)))
    return { name: file.split('/').at(-1)!, kind: 'file' } as const
  })
  const list = async (folder: string) => (folder === path ? disk.list(folder) : entries)
  const old = (await findOldBlocks({ ...disk, list }, path))!
  let turns = 0
  let isOver = false
  const others = (async () => {
    for (; !isOver; turns += 1) await nextTurn()
  })()
  const { cids } = await old.shard('7Y')
  isOver = true
  await others
  expect(cids).toHaveLength(20_000)
  expect(turns).toBeGreaterThan(5)
})
