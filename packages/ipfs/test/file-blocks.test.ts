import { createOwner } from '@ipfs-kit/concurrency'
import { expect, it } from 'vitest'
import { AddWrites } from '../src/add-writes.ts'
import { FileBlocks } from '../src/file-blocks.ts'
import { cidOf } from './nodes.ts'
import { pattern } from './opened.ts'

it.each(['unixfs-v1-2025', 'unixfs-v0-2015'] as const)(
  'leaves the bytes of a block of %s as they are until it is stored, however long that takes',
  async (profile) => {
    const content = pattern(3000)
    let slow = 0
    const wrong: string[] = []
    const writes = new AddWrites(async (cid, block) => {
      slow += 1
      for (let turns = slow % 7; turns > 0; turns -= 1) await new Promise(setImmediate)
      const { multihash } = cidOf(block)
      if (!Buffer.from(multihash.bytes).equals(cid.multihash.bytes)) wrong.push(cid.toString())
    }, new AbortController().signal)
    await using owner = createOwner({ name: 'test' })
    const files = new FileBlocks({ profile, chunkBytes: 16, writes, owner })
    async function* pieces(bytes: number) {
      for (let at = 0; at < bytes; at += 7) yield content.subarray(at, Math.min(at + 7, bytes))
    }
    // Side by side, with last chunks of all sizes.
    const sizes = [3000, ...Array.from({ length: 20 }, (_, at) => 170 + at)]
    const built = await Promise.all(sizes.map((bytes) => files.any(pieces(bytes))))
    expect(built.map(({ file }) => file.bytes)).toEqual(sizes)
    expect(slow).toBeGreaterThan(187)
    expect(wrong).toEqual([])
  },
)
