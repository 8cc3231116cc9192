import { editFolder, readFolder, type UnixfsMetadata } from '@ipfs-kit/ipfs/unixfs'
import { decode } from '@ipld/dag-pb'
import fc from 'fast-check'
import { UnixFS } from 'ipfs-unixfs'
import { describe, expect, it } from 'vitest'
import { fileOf } from './file-of.ts'
import { memoryBlocks } from './memory-blocks.ts'
import { cidOf } from './nodes.ts'
import { all, rejection } from './opened.ts'

describe('mode and time of a folder', () => {
  const profile = 'unixfs-v1-2025'
  const few = new Map([['a', fileOf(1, profile)]])
  const many = new Map(
    Array.from({ length: 4200 }, (_, at) => [`file-${String(at).padStart(15, '0')}`, fileOf(1, profile)]),
  )

  it.each([
    ['plain', few],
    ['HAMT', many],
  ])('are written to a %s folder, kept by later changes, replaced and taken away', async (_what, links) => {
    const { get, put, unixfs } = memoryBlocks()
    const mtime = { secs: 2_147_483_648n + 5n, nsecs: 7 }
    const first = await editFolder(undefined, links, { get, put, profile, mode: 0o750, mtime })
    expect(unixfs(first.cid)).toMatchObject({ mode: 0o750, mtime })
    const changed = new Map([['b', fileOf(2, profile)]])
    const kept = await editFolder(first.cid, changed, { get, put, profile })
    expect(unixfs(kept.cid)).toMatchObject({ mode: 0o750, mtime })
    const replaced = await editFolder(kept.cid, new Map(), {
      get,
      put,
      profile,
      mode: 0o755,
      mtime: { secs: -1n },
    })
    expect(unixfs(replaced.cid)).toMatchObject({ mode: 0o755, mtime: { secs: -1n } })
    const names = (await all(readFolder(replaced.cid, get))).map((entry) => entry.name)
    expect(names.toSorted()).toEqual([...links.keys(), 'b'].toSorted())
    const none = { get, put, profile, mode: null, mtime: null } as const
    const taken = await editFolder(kept.cid, new Map(), none)
    const without = await editFolder(first.cid, changed, none)
    const bare = await editFolder(undefined, new Map([...links, ...changed]), { get, put, profile })
    expect([taken.cid.toString(), without.cid.toString()]).toEqual(Array(2).fill(bare.cid.toString()))
  })

  it('are bytes that ipfs-unixfs writes, where it writes the time that it is given', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 0o7777 }),
        fc.bigInt({ min: 1n - 2n ** 53n, max: 2n ** 62n }),
        fc.option(fc.integer({ min: 0, max: 999_999_999 }), { nil: undefined }),
        async (mode, secs, nsecs) => {
          fc.pre(secs < 2n ** 31n || secs >= 2n ** 32n)
          const { get, put, blocks } = memoryBlocks()
          const mtime = nsecs === undefined ? { secs } : { secs, nsecs }
          const { cid } = await editFolder(undefined, new Map(), { get, put, profile, mode, mtime })
          const data = decode(blocks.get(cid.toString())!).Data!
          expect(Buffer.from(data).toString('hex')).toBe(
            Buffer.from(new UnixFS({ type: 'directory', mode, mtime }).marshal()).toString('hex'),
          )
        },
      ),
    )
  })

  it('keep the bits of a mode that nobody knows yet', async () => {
    const { get, put, blocks } = memoryBlocks()
    // UnixFS: field 1 type 1, field 7 mode, here bit 16 and 0700.
    const data = Uint8Array.of(0x08, 1, 0x38, 0xc0, 0x83, 0x04)
    const block = Uint8Array.of(0x0a, data.length, ...data)
    const cid = cidOf(block, 0x70)
    blocks.set(cid.toString(), block)
    const same = await editFolder(cid, new Map(), { get, put, profile })
    expect(same.cid.toString()).toBe(cid.toString())
    const other = await editFolder(cid, new Map(), { get, put, profile, mode: 0o711 })
    expect([...decode(blocks.get(other.cid.toString())!).Data!]).toEqual([0x08, 1, 0x38, 0xc9, 0x83, 0x04])
  })

  it.each<[what: string, metadata: UnixfsMetadata]>([
    ['a negative mode', { mode: -1 }],
    ['a mode of more than 12 bits', { mode: 0o10000 }],
    ['a mode that is no number', { mode: Number.NaN }],
    ['seconds of more than 64 bits', { mtime: { secs: 2n ** 63n } }],
    ['a second of nanoseconds', { mtime: { secs: 0n, nsecs: 1e9 } }],
    ['half a nanosecond', { mtime: { secs: 0n, nsecs: 0.5 } }],
  ])('are refused with %s', async (_what, metadata) => {
    const { get, put } = memoryBlocks()
    expect(
      await rejection(editFolder(undefined, new Map(), { get, put, profile, ...metadata })),
    ).toBeInstanceOf(RangeError)
  })
})
