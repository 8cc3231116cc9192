import type { BlockCache, CreateBlockCache, LinksOf } from '@ipfs-kit/ipfs'
import { encode, prepare } from '@ipld/dag-pb'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { expect, it } from 'vitest'
import { addFile, drain, opened, pattern } from './opened.ts'

/** A cache that has blocks of its own beside the packs, and notes what it is told. */
class NotingCache {
  readonly own = new Map<string, Uint8Array>()
  readonly calls: string[] = []
  readonly passed: CID[] = []
  linksOf: LinksOf | undefined
  readers = 0

  readonly over: CreateBlockCache = (packs) => {
    const get: BlockCache['get'] = async (cid, options) =>
      this.own.get(cid.toString()) ?? packs.get(cid, options)
    return {
      get,
      size: async (cid, options) => (await get(cid, options))?.length,
      forget: (cid) => void this.calls.push(`forget ${cid ?? 'all'}`),
      reader: (_scope, linksOf) => {
        this.linksOf = linksOf
        this.readers += 1
        const close = async () => void (this.readers -= 1)
        return { get, pass: (cid) => void this.passed.push(cid), [Symbol.asyncDispose]: close }
      },
      [Symbol.asyncDispose]: async () => void this.calls.push('closed'),
    }
  }

  async plant(code: number, bytes: Uint8Array): Promise<CID> {
    const cid = CID.createV1(code, await sha256.digest(bytes))
    this.own.set(cid.toString(), bytes)
    return cid
  }
}

const rawCode = 0x55
const dagPbCode = 0x70

it('a block that only the cache has is stored when it is pinned, with all below it', async () => {
  const cache = new NotingCache()
  const { ipfs, path } = await opened({ cache: cache.over })
  const leaf = await cache.plant(rawCode, pattern(50))
  const node = encode(prepare({ Links: [{ Name: 'a', Tsize: 50, Hash: leaf }] }))
  const root = await cache.plant(dagPbCode, node)
  await drain(ipfs.pins.add(root))
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 2, keptBytes: 50 + node.length })
  await ipfs.close()
  const again = await opened({ path })
  expect(Buffer.compare(await again.ipfs.blocks.get(leaf), pattern(50))).toBe(0)
  expect(Buffer.compare(await again.ipfs.blocks.get(root), node)).toBe(0)
})

it('what the cache has that the packs lack is read, and is not listed as stored', async () => {
  const cache = new NotingCache()
  const { ipfs } = await opened({ cache: cache.over })
  const cid = await cache.plant(rawCode, pattern(50))
  expect(await ipfs.blocks.get(cid)).toEqual(pattern(50))
  expect(await ipfs.blockstore.has(cid)).toBe(true)
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 0 })
})

it('the cache is told of deletions and collections, and closed with the node', async () => {
  const cache = new NotingCache()
  const { ipfs } = await opened({ cache: cache.over })
  const cid = await ipfs.blocks.put(pattern(50))
  await ipfs.blockstore.delete(cid)
  expect(cache.calls).toEqual([`forget ${cid}`])
  await ipfs.repo.gc()
  expect(cache.calls).toHaveLength(1)
  await ipfs.blocks.put(pattern(60))
  await ipfs.repo.gc()
  expect(cache.calls.slice(1)).toEqual(['forget all'])
  await ipfs.close()
  expect(cache.calls.slice(2)).toEqual(['closed'])
})

it('the reader of a file is told the links that it will follow, and no others', async () => {
  const cache = new NotingCache()
  const { ipfs } = await opened({ cache: cache.over })
  const cid = await addFile(ipfs, pattern(1000), { chunkBytes: 10 })
  const bytes = await ipfs.blocks.get(cid)
  const { Links: links } = (await ipfs.dag.get(cid.toString())).value as { Links: { Hash: CID }[] }
  const { body } = await ipfs.files.cat(cid.toString(), { offset: 205, length: 30 })
  const reading = body[Symbol.asyncIterator]()
  await reading.next()
  expect(cache.passed.map(String)).toEqual([cid.toString()])
  const followed = cache.linksOf!(cid, bytes)
  expect(followed.map(String)).toEqual(links.slice(20, 24).map(({ Hash }) => Hash.toString()))
  expect(cache.readers).toBe(1)
  await reading.return!()
  expect(cache.readers).toBe(0)
})

it('a file of one block is read without a reader', async () => {
  const cache = new NotingCache()
  const { ipfs } = await opened({ cache: cache.over })
  const { body } = await ipfs.files.cat((await addFile(ipfs, pattern(100))).toString(), { offset: 20 })
  const reading = body[Symbol.asyncIterator]()
  expect(Buffer.compare((await reading.next()).value!, pattern(100).subarray(20))).toBe(0)
  expect(cache.readers).toBe(0)
  expect((await reading.next()).done).toBe(true)
})

it('the reader of an archive is told the links that it has not come to', async () => {
  const cache = new NotingCache()
  const { ipfs } = await opened({ cache: cache.over })
  const cid = await addFile(ipfs, pattern(1000), { chunkBytes: 10 })
  const bytes = await ipfs.blocks.get(cid)
  const archive = (await ipfs.car.export(cid.toString()))[Symbol.asyncIterator]()
  for (let section = 0; section < 4; section += 1) await archive.next()
  // Header, root, and two leaves have come out.
  expect(cache.linksOf!(cid, bytes)).toHaveLength(98)
  await archive.return!()
  expect(cache.readers).toBe(0)
})

it('a cache that is no function is refused', async () => {
  await expect(opened({ cache: {} as never })).rejects.toThrow(/cache is a function/)
})
