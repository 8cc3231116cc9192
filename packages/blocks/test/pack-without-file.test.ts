import { sim, sleep, withBackend } from '@ipfs-kit/concurrency'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import { numbered } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'
import { findingsOf } from './findings-of.ts'

async function packsOn(disk: SimDisk): Promise<readonly string[]> {
  return (await disk.list(folder)).map(({ name }) => name).filter((name) => name.endsWith('.pack'))
}

const { cid, bytes } = numbered(1, 3000)

describe.each(['kept', 'cache'] as const)('a %s pack whose file cannot be made', (stream) => {
  // Of making it: opening, and writing the header.
  for (const [operation, code] of [
    ['open', 'ENOSPC'],
    ['write', 'ENOSPC'],
    ['write', 'EIO'],
  ] as const) {
    test(`refuses the put and leaves nothing behind (${operation}, ${code})`, async () => {
      await withBackend(
        async () => {
          const disk = simDisk({ seed: 1, faults: { shortWrites: 0 } })
          const store = await openOn(disk)
          const lease = store.lease({ stream })
          disk.failAt(operation, 1, code)
          await expect(lease.put(cid, bytes)).rejects.toMatchObject({
            code: code === 'EIO' ? 'BLOCKS_IO' : 'BLOCKS_FULL',
          })
          await sleep(10)
          expect(store.stats()).toMatchObject({ entries: 0, packBytes: 0, keptPacks: 0, cachePacks: 0 })
          expect(await packsOn(disk)).toEqual([])
          await lease.flush()

          expect(await lease.put(cid, bytes)).toBe('new')
          await lease.flush()
          expect(await store.get(cid)).toEqual(Buffer.from(bytes))
          lease.close()
          await store.close()
          const found = await findingsOf(async () => {
            await using again = await openOn(disk)
            expect(await again.get(cid)).toEqual(Buffer.from(bytes))
          })
          expect(found).toEqual([])
          expect(await packsOn(disk)).toEqual([`${stream}-00000002.pack`])
        },
        { backend: sim(1) },
      )
    })
  }
})

test('puts that are refused since no file can be made take no room, however many', async () => {
  await withBackend(
    async () => {
      const disk = simDisk({ seed: 1 })
      await using store = await openOn(disk)
      using lease = store.lease()
      for (let at = 0; at < 60; at += 1) {
        disk.failAt('open', 1, 'ENOSPC')
        await expect((at % 2 === 0 ? store : lease).put(cid, bytes)).rejects.toMatchObject({
          code: 'BLOCKS_FULL',
        })
        await sleep(10)
      }
      expect(store.stats()).toMatchObject({ packBytes: 0, keptPacks: 0, cachePacks: 0 })
      expect(await packsOn(disk)).toEqual([])
      await lease.put(cid, bytes)
      expect(store.stats()).toMatchObject({ keptPacks: 1, cachePacks: 0 })
    },
    { backend: sim(1) },
  )
})
