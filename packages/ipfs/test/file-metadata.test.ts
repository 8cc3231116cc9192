import { createOwner, type Owner } from '@ipfs-kit/concurrency'
import {
  buildFile,
  describeNode,
  editFile,
  setFileMetadata,
  truncateFile,
  type CidProfile,
  type MetadataChange,
  type UnixfsMetadata,
} from '@ipfs-kit/ipfs/unixfs'
import { decode } from '@ipld/dag-pb'
import { MemoryBlockstore } from 'blockstore-core/memory'
import fc from 'fast-check'
import { UnixFS } from 'ipfs-unixfs'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import type { CID } from 'multiformats/cid'
import { afterAll, describe, expect, it } from 'vitest'
import { memoryBlocks } from './memory-blocks.ts'
import { cidOf, nodeBytes } from './nodes.ts'
import { bytesOf, pattern, rejection } from './opened.ts'

const owner: Owner = createOwner({ name: 'test' })
afterAll(() => owner[Symbol.asyncDispose]())
const { signal } = new AbortController()
const profiles = ['unixfs-v1-2025', 'unixfs-v0-2015'] as const

function opened(profile: CidProfile) {
  const store = memoryBlocks()
  return { store, options: { get: store.get, put: store.put, profile, chunkBytes: 4, owner, signal } }
}

const times2038 = { secs: 2_147_483_648n + 5n, nsecs: 7 }

const modes = fc.integer({ min: 0, max: 0o7777 })
const times = fc.record(
  {
    // What ipfs-unixfs writes of others is another time.
    secs: fc.oneof(
      fc.bigInt({ min: 1n - 2n ** 53n, max: 2n ** 31n - 1n }),
      fc.bigInt({ min: 2n ** 32n, max: 2n ** 62n }),
    ),
    nsecs: fc.integer({ min: 0, max: 999_999_999 }),
  },
  { requiredKeys: ['secs'] },
)
const metadata = fc.record({ mode: modes, mtime: times }, { requiredKeys: [] })
/** Of a file with one node above its leaves at most: the importer has the metadata in all nodes, we and Kubo in the root. */
const sizes = fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 696 }))

/** The CID of an add by the importer. */
async function peerCid(content: Uint8Array, given: UnixfsMetadata, profile: CidProfile): Promise<string> {
  const candidate = { path: 'f', content, ...given }
  const chunker = fixedSize({ chunkSize: 4 })
  const blocks = new MemoryBlockstore()
  for await (const { cid } of importer([candidate], blocks, { profile, chunker })) return cid.toString()
  throw new Error('nothing was imported')
}

/** Of one leaf in a node the importer (17.1.1) puts the node into a node, when there are metadata: by hand. */
function nodeCidOf(data: Uint8Array, given: UnixfsMetadata): string {
  const unixfs = new UnixFS({ type: 'file', data, ...given }).marshal()
  const block = Uint8Array.of(0x0a, unixfs.length, ...unixfs)
  return cidOf(block, 0x70).toV0().toString()
}

function added(content: Uint8Array, given: UnixfsMetadata, profile: CidProfile): Promise<string> | string {
  const isOneNode = profile === 'unixfs-v0-2015' && content.length <= 4
  return isOneNode ? nodeCidOf(content, given) : peerCid(content, given, profile)
}

describe.each(profiles)('%s', (profile) => {
  it('builds files with mode and time as the importer does', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, metadata, async (size, given) => {
        const { options } = opened(profile)
        const content = pattern(size)
        const { cid } = await buildFile(content, { ...options, ...given })
        expect(cid.toString()).toBe(await added(content, given, profile))
        const pieces = (async function* () {
          yield content
        })()
        expect(String((await buildFile(pieces, { ...options, ...given })).cid)).toBe(cid.toString())
      }),
      { numRuns: 50 },
    )
  })

  it('gives a file the CID of an add with its metadata, and writes one block', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, metadata, metadata, async (size, before, change) => {
        const { store, options } = opened(profile)
        const content = pattern(size)
        const base = await buildFile(content, { ...options, ...before })
        const { value, gets, puts } = await store.during(() => setFileMetadata(base.cid, change, options))
        const isChange = Object.keys(change).length > 0
        expect([gets, puts]).toEqual([1, isChange ? 1 : 0])
        expect(value.cid.toString()).toBe(await added(content, { ...before, ...change }, profile))
        expect(value.bytes).toBe(size)
        const { dagBytes } = describeNode(value.cid, store.blocks.get(value.cid.toString())!)
        expect(value.dagBytes).toBe(dagBytes)
        const none = await setFileMetadata(value.cid, { mode: null, mtime: null }, options)
        expect(none.cid.toString()).toBe(await peerCid(content, {}, profile))
      }),
      { numRuns: 50 },
    )
  })

  it('has them in the root, and nowhere else', async () => {
    const { store, options } = opened(profile)
    for (const size of [696, 697, 4096, 4097, 30_000]) {
      const given = { mode: 0o600, mtime: times2038 }
      const bare = await buildFile(pattern(size), options)
      const built = await buildFile(pattern(size), { ...options, ...given })
      expect((await setFileMetadata(bare.cid, given, options)).cid.toString()).toBe(built.cid.toString())
      const [linksOfBare, links] = [bare, built].map(
        ({ cid }) => decode(store.blocks.get(cid.toString())!).Links,
      )
      expect(links).toEqual(linksOfBare)
      expect(store.unixfs(built.cid)).toMatchObject(given)
    }
  })

  it('keeps them, replaces them and takes them away when a file is changed', async () => {
    const step = fc.record({
      kind: fc.constantFrom('write', 'append', 'truncate'),
      at: fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 800 }), fc.constantFrom(4096, 4097)),
      change: fc.record(
        { mode: fc.option(modes, { nil: null }), mtime: fc.option(times, { nil: null }) },
        { requiredKeys: [] },
      ),
    })
    await fc.assert(
      fc.asyncProperty(sizes, metadata, fc.array(step, { maxLength: 5 }), async (size, before, steps) => {
        const { options } = opened(profile)
        const anew = { ...options, put: async () => undefined }
        let content: Uint8Array = pattern(size)
        let carried = before
        let { cid } = await buildFile(content, { ...options, ...before })
        for (const { kind, at, change } of steps) {
          const was = content
          const given = { ...options, ...change }
          if (kind === 'truncate') {
            content = Uint8Array.from({ length: at }, (_, index) => was[index] ?? 0)
            ;({ cid } = await truncateFile(cid, at, given))
          } else {
            const [offset, bytes] = kind === 'append' ? [was.length, pattern(at, 7)] : [at, pattern(3, at)]
            content = new Uint8Array(Math.max(was.length, bytes.length === 0 ? 0 : offset + bytes.length))
            content.set(was)
            content.set(bytes, bytes.length === 0 ? 0 : offset)
            ;({ cid } = await editFile(cid, { offset, content: bytes }, given))
          }
          // Where nothing is written, nothing is changed.
          if (kind === 'write' || content.length !== was.length) carried = changedBy(carried, change)
          expect(cid.toString()).toBe((await buildFile(content, { ...anew, ...carried })).cid.toString())
        }
      }),
      { numRuns: 100 },
    )
  })
})

/** What a file carries after a change. The mode that is not written it does not. */
function changedBy(before: UnixfsMetadata, { mode, mtime }: MetadataChange): UnixfsMetadata {
  const kept = before.mode === 0o644 ? undefined : before.mode
  const [newMode, newTime] = [mode === undefined ? kept : mode, mtime === undefined ? before.mtime : mtime]
  return {
    ...(typeof newMode === 'number' && { mode: newMode }),
    ...(newTime !== undefined && newTime !== null && { mtime: newTime }),
  }
}

it('writes the times between the years 2038 and 2106', async () => {
  const { store, options } = opened('unixfs-v1-2025')
  for (const size of [3, 100]) {
    const { cid } = await buildFile(pattern(size), options)
    const set = await setFileMetadata(cid, { mtime: times2038 }, options)
    expect(store.unixfs(set.cid).mtime).toEqual(times2038)
  }
})

it('keeps the bits of a mode that nobody knows yet', async () => {
  const { store, options } = opened('unixfs-v1-2025')
  // UnixFS: field 1 type 2, field 2 a byte, field 3 its number, field 7 mode, here bit 16 and 0700.
  const data = Uint8Array.of(0x08, 2, 0x12, 1, 9, 0x18, 1, 0x38, 0xc0, 0x83, 0x04)
  const block = Uint8Array.of(0x0a, data.length, ...data)
  const cid = cidOf(block, 0x70)
  store.blocks.set(cid.toString(), block)
  const other = await setFileMetadata(cid, { mode: 0o711 }, options)
  const written = [0x08, 2, 0x12, 1, 9, 0x18, 1, 0x38, 0xc9, 0x83, 0x04]
  expect([...decode(store.blocks.get(other.cid.toString())!).Data!]).toEqual(written)
  const edited = await editFile(cid, { offset: 0, content: Uint8Array.of(5, 5) }, options)
  expect([...decode(store.blocks.get(edited.cid.toString())!).Data!].slice(-4)).toEqual([0x38, 0xc0, 0x83, 4])
})

it('writes the root of a file that no importer makes anew, with its own bytes and its links', async () => {
  const { store, options } = opened('unixfs-v1-2025')
  const leaf = bytesOf('leaf')
  store.blocks.set(cidOf(leaf).toString(), leaf)
  const shape = { data: bytesOf('in'), blockSizes: [4], links: [{ cid: cidOf(leaf), size: 4 }] }
  const block = nodeBytes(shape)
  const cid = cidOf(block, 0x70)
  store.blocks.set(cid.toString(), block)
  const set = await setFileMetadata(cid, { mode: 0o600 }, options)
  expect(set.cid.toString()).toBe(cidOf(nodeBytes({ ...shape, mode: 0o600 }), 0x70).toString())
  expect(set.bytes).toBe(6)
})

describe('what is refused', () => {
  it.each<[what: string, change: MetadataChange]>([
    ['a negative mode', { mode: -1 }],
    ['a mode of more than 12 bits', { mode: 0o10000 }],
    ['seconds of more than 64 bits', { mtime: { secs: 2n ** 63n } }],
    ['a second of nanoseconds', { mtime: { secs: 0n, nsecs: 1e9 } }],
  ])('%s, wherever it is given', async (_what, change) => {
    const { store, options } = opened('unixfs-v1-2025')
    const { cid } = await buildFile(pattern(9), options)
    const given = { ...options, ...change }
    const { value, puts } = await store.during(() =>
      Promise.all([
        rejection(setFileMetadata(cid, change, options)),
        rejection(buildFile(pattern(9), given)),
        rejection(editFile(cid, { offset: 0, content: new Uint8Array() }, given)),
        rejection(truncateFile(cid, 9, given)),
      ]),
    )
    for (const error of value) expect(error).toBeInstanceOf(RangeError)
    expect(puts).toBe(0)
  })

  it('what is no file, and a file whose sizes contradict each other', async () => {
    const { store, options } = opened('unixfs-v1-2025')
    const put = (bytes: Uint8Array): CID => {
      store.blocks.set(cidOf(bytes, 0x70).toString(), bytes)
      return cidOf(bytes, 0x70)
    }
    const folder = put(nodeBytes({ type: 'directory' }))
    const wrong = put(nodeBytes({ blockSizes: [], links: [{ cid: folder }] }))
    for (const [cid, code] of [
      [folder, 'IPFS_NOT_A_FILE'],
      [wrong, 'IPFS_INVALID_NODE'],
    ] as const)
      expect(await rejection(setFileMetadata(cid, { mode: 0 }, options))).toMatchObject({ code })
  })
})
