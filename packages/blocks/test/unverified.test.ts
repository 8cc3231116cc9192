import { type Blocks, openBlocks } from '@ipfs-kit/blocks'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type Disk, type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { blockOf } from './blocks-of.ts'

const onBoth = forEachBackend(test, { seeds: 10 })

function open(disk: Disk = simDisk({ seed: 1 }), maxBytes = 16 * 1024 * 1024): Promise<Blocks> {
  return openBlocks({ path: '/store', disk, maxBytes, packBytes: 65_536 })
}

onBoth('gives back what was put last under a key, also after closing and opening', async () => {
  const disk: SimDisk = simDisk({ seed: 1 })
  {
    await using store = await open(disk)
    const { unverified } = store
    await unverified.put('name', Buffer.from('first'))
    await unverified.put('name', Buffer.from('the second one'))
    await unverified.put('empty', new Uint8Array(0))
    expect(String(await unverified.get('name'))).toBe('the second one')
    expect(await unverified.get('empty')).toEqual(Buffer.alloc(0))
    expect(await unverified.get('other')).toBeUndefined()
    expect([await unverified.has('name'), await unverified.has('other')]).toEqual([true, false])
    expect(store.stats().entries).toBe(2)
  }
  await using store = await open(disk)
  expect(String(await store.unverified.get('name'))).toBe('the second one')
  expect(await store.unverified.getRange('name', { offset: 4, length: 6 })).toEqual(Buffer.from('second'))
})

onBoth('deletes for good', async () => {
  const disk: SimDisk = simDisk({ seed: 1 })
  {
    await using store = await open(disk)
    await store.unverified.put('name', Buffer.from('value'))
    await store.unverified.put('name', Buffer.from('other'))
    expect(await store.unverified.delete('name')).toBe(true)
    expect(await store.unverified.delete('name')).toBe(false)
    expect(await store.unverified.get('name')).toBeUndefined()
  }
  await using store = await open(disk)
  expect(await store.unverified.has('name')).toBe(false)
})

onBoth('lists its keys with sizes, and no block', async () => {
  await using store = await open()
  const { cid, bytes } = blockOf(1)
  await store.put(cid, bytes)
  const keys = ['a', 'b/../c', 'é', '😀', 'x'.repeat(16_384)]
  for (const [size, key] of keys.entries()) await store.unverified.put(key, Buffer.alloc(size))
  const found: { key: string; size: number }[] = []
  for await (const entry of store.unverified.list()) found.push(entry)
  expect(found.sort((left, right) => left.size - right.size)).toEqual(
    keys.map((key, size) => ({ key, size })),
  )
})

onBoth('keeps records and blocks apart, whatever their keys are', async () => {
  await using store = await open()
  const { cid, bytes } = blockOf(1)
  await store.put(cid, bytes)
  const key = Buffer.from(cid.multihash.bytes).toString('latin1')
  await store.unverified.put(key, Buffer.from('record'))
  await store.unverified.delete(key)
  expect(await store.get(cid)).toEqual(bytes)
})

onBoth('refuses keys that are none', async () => {
  await using store = await open()
  const { unverified } = store
  await expect(unverified.put('', Buffer.alloc(1))).rejects.toThrow(TypeError)
  await expect(unverified.put('\ud800', Buffer.alloc(1))).rejects.toThrow(TypeError)
  await expect(unverified.get(7 as unknown as string)).rejects.toThrow(TypeError)
  await expect(unverified.put('x'.repeat(16_385), Buffer.alloc(1))).rejects.toMatchObject({
    code: 'BLOCKS_TOO_LARGE',
  })
})

onBoth('tells a damaged value by its checksum: a miss, and no answer', async () => {
  const disk: SimDisk = simDisk({ seed: 1 })
  await using store = await open(disk)
  await store.unverified.put('name', Buffer.from('the value that was put'))
  const file = await disk.open('/store/cache-00000001.pack', 'write')
  const content = Buffer.alloc(await file.size())
  await file.read(content, 0)
  await file.write([Buffer.from('!')], content.indexOf('value that'))
  await file.close()
  expect(await store.unverified.get('name')).toBeUndefined()
  expect(store.stats().corruptReads).toBe(1)
  await store.unverified.put('name', Buffer.from('again'))
  expect(String(await store.unverified.get('name'))).toBe('again')
})

onBoth('loses the oldest values when room is needed', async () => {
  await using store = await open(simDisk({ seed: 1 }), 1024 * 1024)
  for (let number = 0; number < 60; number++) {
    await store.unverified.put(`key ${number}`, Buffer.alloc(40_000, number))
  }
  expect(await store.unverified.get('key 0')).toBeUndefined()
  expect(await store.unverified.get('key 59')).toEqual(Buffer.alloc(40_000, 59))
})
