import { simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

/** Cancels a put while its write is under way, writes over its memory as soon as it has rejected, and then looks. */
async function cancelAndReuse(
  put: (store: Blocks, bytes: Buffer, signal: AbortSignal) => Promise<unknown>,
  bytes: Uint8Array,
  look: (store: Blocks) => Promise<void>,
): Promise<number> {
  let hit = 0
  for (let turns = 0; turns < 40; turns += 1) {
    const disk = simDisk({ seed: turns, faults: { shortWrites: 0.9 } })
    await using store = await openOn(disk)
    const buffer = Buffer.from(bytes)
    const abort = new AbortController()
    const putting = put(store, buffer, abort.signal).then(
      () => true,
      () => false,
    )
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
    abort.abort()
    if (await putting) continue
    buffer.fill(0x58)
    hit += Number(store.stats().entries > 0)
    await look(store)
    // What comes later is written later.
    await store.put(numbered(1000, 100).cid, numbered(1000, 100).bytes)
    await look(store)
    expect(store.stats().corruptReads).toBe(0)
  }
  return hit
}

describe('memory of a put that was cancelled can be used again', () => {
  for (const size of [100, 1000, 16_000, 40_000]) {
    for (const stream of ['kept', 'cache'] as const) {
      test(`and the block of ${size} bytes is right or absent (${stream})`, async () => {
        const block = numbered(7, size)
        const hit = await cancelAndReuse(
          (store, bytes, signal) =>
            store.lease({ stream }).put(block.cid, bytes, { verify: 'on-read', signal }),
          block.bytes,
          async (store) => {
            const isThere = await store.has(block.cid)
            const found = await store.get(block.cid)
            if (isThere || found !== undefined)
              expect(Buffer.from(found ?? [])).toEqual(Buffer.from(block.bytes))
          },
        )
        // A larger one does not let go before it is written.
        if (size <= 16_384) expect(hit).toBeGreaterThan(0)
      })
    }
  }

  test('and the record is right or absent', async () => {
    const value = Buffer.from('the value')
    const hit = await cancelAndReuse(
      (store, bytes, signal) => store.unverified.put('a key', bytes, { signal }),
      value,
      async (store) => {
        const found = await store.unverified.get('a key')
        if (found !== undefined) expect(Buffer.from(found)).toEqual(value)
      },
    )
    expect(hit).toBeGreaterThan(0)
  })
})
