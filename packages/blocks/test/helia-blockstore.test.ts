import { type Blocks, createHeliaBlockstore, openBlocks } from '@ipfs-kit/blocks'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { NotFoundError } from 'interface-store'
import { expect, test } from 'vitest'
import { blockOf } from './blocks-of.ts'

const onBoth = forEachBackend(test, { seeds: 5 })

function open(): Promise<Blocks> {
  return openBlocks({ path: '/store', disk: simDisk({ seed: 1 }), maxBytes: 16 * 1024 * 1024 })
}

async function bytesOf(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

onBoth('takes bytes whole and in pieces, of one buffer that is filled again', async () => {
  await using blocks = await open()
  const blockstore = createHeliaBlockstore(blocks)
  const { cid, bytes } = blockOf(1, 1000)
  const reusing = function* (): Generator<Uint8Array> {
    const buffer = Buffer.alloc(7)
    for (let at = 0; at < bytes.length; at += 7) yield buffer.subarray(0, bytes.copy(buffer, 0, at, at + 7))
  }
  expect(await blockstore.put(cid, reusing())).toBe(cid)
  expect(await bytesOf(blockstore.get(cid))).toEqual(bytes)
  const other = blockOf(2, 1000)
  await blockstore.put(other.cid, other.bytes)
  expect(await bytesOf(blockstore.get(other.cid))).toEqual(other.bytes)
})

onBoth('refuses bytes that are not those of the CID', async () => {
  await using blocks = await open()
  const blockstore = createHeliaBlockstore(blocks)
  const { cid } = blockOf(1)
  await expect(blockstore.put(cid, Buffer.from('other'))).rejects.toMatchObject({ code: 'BLOCKS_MISMATCH' })
  const pairs = blockstore.putMany([{ cid, bytes: [Buffer.from('ot'), Buffer.from('her')] }])
  await expect(bytesOf(pairs as AsyncIterable<never>)).rejects.toMatchObject({ code: 'BLOCKS_MISMATCH' })
  expect(await blockstore.has(cid)).toBe(false)
})

onBoth('throws NotFoundError for a block that is not here, and for one that is damaged', async () => {
  await using blocks = await open()
  const blockstore = createHeliaBlockstore(blocks)
  const { cid } = blockOf(1)
  await expect(bytesOf(blockstore.get(cid))).rejects.toThrow(NotFoundError)
  await blocks.put(cid, Buffer.from('other'), { verify: 'on-read' })
  await expect(bytesOf(blockstore.get(cid))).rejects.toMatchObject({ name: 'NotFoundError' })
})

onBoth(
  'refuses a block that is too large before all of it has come, and tells the source to stop',
  async () => {
    await using blocks = await open()
    const blockstore = createHeliaBlockstore(blocks, { maxBlockBytes: 10_000 })
    let given = 0
    let stopped = false
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          given += 1000
          yield Buffer.alloc(1000)
        }
      } finally {
        stopped = true
      }
    }
    const { cid, bytes } = blockOf(1, 10_001)
    await expect(blockstore.put(cid, endless())).rejects.toMatchObject({ code: 'BLOCKS_TOO_LARGE' })
    expect({ given, stopped }).toEqual({ given: 11_000, stopped: true })
    await expect(blockstore.put(cid, bytes)).rejects.toMatchObject({ code: 'BLOCKS_TOO_LARGE' })
  },
)

onBoth(
  'ends a put whose source does not answer, with the reason of the signal',
  async () => {
    await using blocks = await open()
    const blockstore = createHeliaBlockstore(blocks)
    const controller = new AbortController()
    const reason = new Error('enough')
    const silent: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          controller.abort(reason)
          return new Promise(() => {})
        },
      }),
    }
    const { cid } = blockOf(1)
    await expect(blockstore.put(cid, silent, { signal: controller.signal })).rejects.toBe(reason)
  },
  { only: 'native' },
)

onBoth('leaves a block that a lease holds where it is', async () => {
  await using blocks = await open()
  const blockstore = createHeliaBlockstore(blocks)
  const { cid, bytes } = blockOf(1)
  const lease = blocks.lease()
  await lease.put(cid, bytes)
  await blockstore.delete(cid)
  expect(await blockstore.has(cid)).toBe(true)
  lease.close()
  await blockstore.delete(cid)
  expect(await blockstore.has(cid)).toBe(false)
})

test('refuses options that are none', async () => {
  await using blocks = await open()
  expect(() => createHeliaBlockstore(blocks, { maxBlockBytes: 0 })).toThrow(RangeError)
  expect(() => createHeliaBlockstore(blocks, { maxBlockBits: 1 } as object)).toThrow(TypeError)
})
