import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { numbered } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'

/** Writes take their time, so that others are put meanwhile. */
const faults = { shortWrites: 0, slowReads: 0, slowWrites: 1 }

function value(number: number, size = 10): Buffer {
  return Buffer.alloc(size, `v${number} `)
}

function outcomeOf(put: Promise<unknown>): Promise<unknown> {
  return put.then(
    () => 'stored',
    ({ code }: { readonly code: string }) => code,
  )
}

/** Resolves when as many writes have begun. */
async function writesBegun(disk: SimDisk, count: number): Promise<void> {
  for (let turn = 0; disk.stats().operations.write < count; turn += 1) {
    if (turn === 10_000) throw new Error(`there is no write ${count}`)
    await Promise.resolve()
  }
}

for (const together of [true, false]) {
  // Of 5 MiB, a batch has room for one only.
  for (const size of [10, 5 * 1024 * 1024]) {
    const when = together ? 'put at once' : 'the second put while the first is on its way'
    test(`writes of one key that fail leave the value before them (${size} bytes, ${when})`, async () => {
      const disk = simDisk({ seed: 1, faults })
      const store = await openOn(disk, { maxBytes: 67_108_864, packBytes: 16_777_216 })
      await store.unverified.put('a key', value(1))
      disk.failAt('write', 1)
      const written = disk.stats().operations.write
      const second = outcomeOf(store.unverified.put('a key', value(2, size)))
      if (!together) await writesBegun(disk, written + 1)
      const third = outcomeOf(store.unverified.put('a key', value(3, size)))
      expect(await Promise.all([second, third])).toEqual(['BLOCKS_IO', 'BLOCKS_IO'])
      expect(Buffer.from((await store.unverified.get('a key'))!)).toEqual(value(1))
      expect(await store.unverified.has('a key')).toBe(true)
      expect(store.stats()).toMatchObject({ entries: 1, bytes: 10 })
      await store.close()
      await using again = await openOn(disk)
      expect(Buffer.from((await again.unverified.get('a key'))!)).toEqual(value(1))
    })
  }
}

test('writes of a key that was not there leave nothing', async () => {
  const disk = simDisk({ seed: 1, faults })
  await using store = await openOn(disk)
  disk.failAt('write', 1)
  const puts = [1, 2, 3].map((number) => outcomeOf(store.unverified.put('a key', value(number))))
  expect(await Promise.all(puts)).toEqual(['BLOCKS_IO', 'BLOCKS_IO', 'BLOCKS_IO'])
  expect(await store.unverified.get('a key')).toBeUndefined()
  expect(store.stats()).toMatchObject({ entries: 0, bytes: 0 })
})

test('a move that fails, away from a write that fails, leads back to neither', async () => {
  const disk = simDisk({ seed: 1, faults })
  await using store = await openOn(disk)
  const { cid, bytes } = numbered(1, 1000)
  const other = numbered(2, 10)
  await store.put(other.cid, other.bytes)
  disk.failAt('write', 1)
  disk.failAt('write', 2)
  const written = disk.stats().operations.write
  const cached = outcomeOf(store.put(cid, bytes))
  await writesBegun(disk, written + 1)
  const kept = outcomeOf(store.lease().put(cid, bytes))
  expect(await Promise.all([cached, kept])).toEqual(['BLOCKS_IO', 'BLOCKS_IO'])
  expect(await store.get(cid)).toBeUndefined()
  expect(store.stats()).toMatchObject({ entries: 1, corruptReads: 0 })
  await store.put(cid, bytes)
  expect(await store.get(cid)).toEqual(Buffer.from(bytes))
})

test('a file that gets no header and cannot be removed goes on taking room', async () => {
  const disk = simDisk({ seed: 1, faults })
  const store = await openOn(disk)
  const { cid, bytes } = numbered(1, 1000)
  disk.failAt('write', 1)
  disk.failAt('unlink', 1)
  expect(await outcomeOf(store.put(cid, bytes))).toBe('BLOCKS_IO')
  expect(store.stats()).toMatchObject({ entries: 0, packBytes: 4096 })
  await store.put(cid, bytes)
  expect(await store.get(cid)).toEqual(Buffer.from(bytes))
  await store.close()
  await using again = await openOn(disk)
  let packBytes = 0
  for (const { name } of await disk.list(folder)) {
    const { size } = (await disk.stat(`${folder}/${name}`))!
    if (name.endsWith('.pack')) packBytes += Math.ceil(size / 4096) * 4096
  }
  expect(again.stats().packBytes).toBeGreaterThanOrEqual(packBytes)
  expect(await again.get(cid)).toEqual(Buffer.from(bytes))
})
