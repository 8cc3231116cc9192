import { createBlocksBackend, openBlocks } from '@ipfs-kit/blocks'
import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { bytesOf, cidOf } from './tiered-cids.ts'

const onBoth = forEachBackend(test, { seeds: 5 })
const maxBytes = 1024 * 1024

onBoth('a small block that is promoted from packs keeps no more memory than it needs', async () => {
  await using blocks = await openBlocks({ path: '/s', disk: simDisk({ seed: 1 }), maxBytes, minFreeBytes: 0 })
  await using backend = createBlocksBackend(blocks, { name: 'blocks', failureDomain: 'home' })
  await using store = tiered([createMemoryTier({ maxBytes }), backend])
  for (let number = 0; number < 20; number += 1) {
    const bytes = bytesOf(number)
    const cid = cidOf(bytes)
    await blocks.put(cid, bytes)
    expect(await store.getBytes(cid)).toEqual(Buffer.from(bytes))
    const held = store.peek(cid.toString())!
    expect(Buffer.compare(held, bytes)).toBe(0)
    expect(held.buffer.byteLength).toBeLessThanOrEqual(2 * bytes.length)
  }
})
