import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { describe, expect, it } from 'vitest'
import { absent, cidOf } from './nodes.ts'
import { added, bytesOf, opened, pattern, pinned, rejection } from './opened.ts'

describe('dag', () => {
  it.each(['dag-cbor', 'dag-json'] as const)(
    'gives back any value of the data model that it stored as %s',
    async (codec) => {
      const { ipfs } = await opened()
      const scalar = fc.oneof(
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.maxSafeInteger(),
        fc.uint8Array({ maxLength: 50 }),
        fc.constant(absent),
      )
      const key = fc.string().filter((text) => text !== '/' && text !== '__proto__')
      const { value: values } = fc.letrec((tie) => ({
        value: fc.oneof(
          { depthSize: 'small' },
          scalar,
          fc.array(tie('value')),
          fc.dictionary(key, tie('value'), { noNullPrototype: true }),
        ),
      }))
      await fc.assert(
        fc.asyncProperty(values, async (value) => {
          const cid = await ipfs.dag.put(value, { codec })
          const got = await ipfs.dag.get(cid.toString())
          expect(normal(got.value)).toEqual(normal(value))
          expect(got.cid.equals(cid)).toBe(true)
        }),
        { numRuns: 60 },
      )
    },
  )

  it('stores dag-pb nodes and raw bytes', async () => {
    const { ipfs } = await opened()
    const node = { Data: bytesOf('data'), Links: [{ Hash: absent, Name: 'a', Tsize: 1 }] }
    const pb = await ipfs.dag.put(node, { codec: 'dag-pb' })
    expect([pb.code, normal((await ipfs.dag.get(pb.toString())).value)]).toEqual([0x70, normal(node)])
    const raw = await ipfs.dag.put(bytesOf('raw'), { codec: 'raw' })
    expect(raw.toString()).toBe(cidOf(bytesOf('raw')).toString())
    expect(normal((await ipfs.dag.get(raw.toString())).value)).toBe('bytes 726177')
  })

  it('gives the value at a path', async () => {
    const { ipfs } = await opened()
    const inner = await ipfs.dag.put({ list: [10, { deep: 'yes' }] })
    const cid = await ipfs.dag.put({ inner, '': 'empty key' })
    expect((await ipfs.dag.get(`${cid}/inner/list/0`)).value).toBe(10)
    const found = await ipfs.dag.get(`${cid}/inner/list/1/deep`)
    expect([found.value, found.cid.toString()]).toEqual(['yes', inner.toString()])
  })

  it.each<[what: string, value: unknown, codec: 'dag-cbor' | 'dag-json' | 'dag-pb' | 'raw']>([
    ['undefined', undefined, 'dag-cbor'],
    ['a function', () => {}, 'dag-cbor'],
    ['NaN', Number.NaN, 'dag-cbor'],
    ['a map with a symbol', { a: Symbol('x') }, 'dag-json'],
    ['a map as dag-pb', { a: 1 }, 'dag-pb'],
    ['a text as raw bytes', 'text', 'raw'],
    ['a circle', circle(), 'dag-cbor'],
  ])('refuses to store %s', async (_what, value, codec) => {
    const { ipfs } = await opened()
    expect(await rejection(ipfs.dag.put(value, { codec }))).toMatchObject({
      code: 'IPFS_INVALID_NODE',
      kind: 'invalid',
    })
    expect(ipfs.stats()).toMatchObject({ blocksWritten: 0, openLeases: 0 })
  })

  it('refuses to read a codec that it does not know, and bytes that do not decode', async () => {
    const { ipfs } = await opened()
    const block = await ipfs.blocks.put(Uint8Array.of(0xff))
    const strange = CID.createV1(0x72, block.multihash)
    expect(await rejection(ipfs.dag.get(strange.toString()))).toMatchObject({ code: 'IPFS_UNKNOWN_CODEC' })
    for (const code of [0x70, 0x71, 0x0129]) {
      const cid = CID.createV1(code, block.multihash)
      expect(await rejection(ipfs.dag.get(cid.toString()))).toMatchObject({ code: 'IPFS_INVALID_NODE' })
    }
  })

  it('pins a node whose links are here, and refuses one whose links are not', async () => {
    const { ipfs } = await opened()
    const leaf = await ipfs.blocks.put(bytesOf('leaf'))
    const cid = await ipfs.dag.put({ leaf }, { pin: true })
    expect(await pinned(ipfs)).toEqual([cid.toString()])
    expect((await ipfs.repo.gc()).keptBlocks).toBe(2)
    expect(await rejection(ipfs.dag.put({ leaf, absent }, { pin: true }))).toMatchObject({
      code: 'IPFS_BLOCK_NOT_FOUND',
    })
    expect(ipfs.stats().openLeases).toBe(0)
    expect(await pinned(ipfs)).toEqual([cid.toString()])
    expect(await ipfs.repo.gc()).toMatchObject({ removedBlocks: 1, keptBlocks: 2 })
    // Without a pin nobody promises that it is whole.
    await ipfs.dag.put({ leaf, absent })
  })
})

describe('blocks', () => {
  it('are stored under the codec that is named, and given back', async () => {
    const { ipfs } = await opened()
    const cid = await ipfs.blocks.put(pattern(1000))
    expect(cid.toString()).toBe(cidOf(pattern(1000)).toString())
    expect(await ipfs.blocks.get(cid)).toEqual(Buffer.from(pattern(1000)))
    expect(await ipfs.blocks.get(cid.toString())).toEqual(Buffer.from(pattern(1000)))
    expect((await ipfs.blocks.stat(cid.toString())).size).toBe(1000)
    const empty = await ipfs.blocks.put(new Uint8Array())
    expect(await ipfs.blocks.get(empty)).toHaveLength(0)
    expect((await ipfs.blocks.stat(empty)).size).toBe(0)
  })

  it('that do not decode with the codec that is named are refused', async () => {
    const { ipfs } = await opened()
    for (const codec of ['dag-pb', 'dag-cbor', 'dag-json'] as const) {
      expect(await rejection(ipfs.blocks.put(Uint8Array.of(0xff, 0xff), { codec }))).toMatchObject({
        code: 'IPFS_INVALID_NODE',
      })
    }
    expect((await ipfs.repo.stat()).blocks).toBe(0)
  })

  it('may be as large as maxBlockBytes and no larger', async () => {
    const { ipfs } = await opened({ maxBlockBytes: 1000 })
    await ipfs.blocks.put(pattern(1000))
    for (const call of [
      () => ipfs.blocks.put(pattern(1001)),
      () => ipfs.dag.put(pattern(1001)),
      () => ipfs.blockstore.put(cidOf(pattern(1001)), pattern(1001)),
      () => added(ipfs, [{ path: 'a', content: pattern(1001) }]),
    ]) {
      expect(await rejection(Promise.resolve(call()))).toMatchObject({
        code: 'IPFS_BLOCK_TOO_LARGE',
        kind: 'too-large',
      })
    }
    expect(await ipfs.repo.stat()).toMatchObject({ blocks: 1, bytes: 1000 })
    expect(ipfs.stats().openLeases).toBe(0)
  })

  it('that are not here are answered with what was tried, and no path of the disk', async () => {
    const { ipfs, path } = await opened()
    for (const call of [
      () => ipfs.blocks.get(absent),
      () => ipfs.blocks.stat(absent),
      () => ipfs.dag.get(absent.toString()),
    ]) {
      const error = (await rejection(call())) as Error
      expect(error).toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND', kind: 'not-found' })
      expect(error.message).toContain('tried: the local block store')
      expect(error.message).not.toContain(path)
    }
    expect(await rejection(ipfs.blocks.get('nonsense'))).toMatchObject({ code: 'IPFS_INVALID_CID' })
  })

  it('that are inline need no store', async () => {
    const { ipfs } = await opened()
    const cid = CID.createV1(0x55, identity.digest(bytesOf('inline')))
    expect(Buffer.from(await ipfs.blocks.get(cid)).toString()).toBe('inline')
    expect((await ipfs.blocks.stat(cid)).size).toBe(6)
    expect((await ipfs.repo.stat()).blocks).toBe(0)
  })
})

/** Bytes and CIDs in one form each, so that values can be compared. */
function normal(value: unknown): unknown {
  const cid = CID.asCID(value)
  if (cid !== null) return `CID ${cid}`
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normal(inner)]))
}

function circle(): unknown {
  const value: Record<string, unknown> = {}
  value['itself'] = value
  return value
}
