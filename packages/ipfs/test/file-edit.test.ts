import { createOwner, type Owner } from '@ipfs-kit/concurrency'
import { buildFile, describeNode, editFile, truncateFile, type FilePart } from '@ipfs-kit/ipfs/unixfs'
import { decode } from '@ipld/dag-pb'
import fc from 'fast-check'
import { UnixFS } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'
import { afterAll, describe, expect, it } from 'vitest'
import { memoryBlocks } from './memory-blocks.ts'
import { cidOf, nodeBytes, type NodeShape } from './nodes.ts'
import { bytesOf, failing, pattern, rejection } from './opened.ts'
import { peerRoot } from './peer.ts'

const owner: Owner = createOwner({ name: 'test' })
afterAll(() => owner[Symbol.asyncDispose]())
const { signal } = new AbortController()

type Store = ReturnType<typeof memoryBlocks>

/** The bytes of a file, by the definition of UnixFS. */
async function contentOf(cid: CID, { blocks }: Store): Promise<Buffer> {
  const block = blocks.get(cid.toString())!
  if (cid.code === 0x55) return Buffer.from(block)
  const { Data, Links } = decode(block)
  const parts = await Promise.all(Links.map((link) => contentOf(link.Hash, { blocks } as Store)))
  return Buffer.concat([UnixFS.unmarshal(Data!).data ?? new Uint8Array(), ...parts])
}

/** The CIDs of the leaves of a file. */
function leavesOf(cid: CID, { blocks }: Store): string[] {
  if (cid.code === 0x55) return [cid.toString()]
  const { Links } = decode(blocks.get(cid.toString())!)
  if (Links.length === 0) return [cid.toString()]
  return Links.flatMap((link) => leavesOf(link.Hash, { blocks } as Store))
}

/** Puts a node that no importer writes. */
function put(store: Store, shape: NodeShape): { cid: CID; size: number } {
  const bytes = nodeBytes(shape)
  const cid = cidOf(bytes, 0x70)
  store.blocks.set(cid.toString(), bytes)
  return { cid, size: bytes.byteLength }
}

function putRaw(store: Store, content: string): { cid: CID; size: number } {
  const cid = cidOf(bytesOf(content))
  store.blocks.set(cid.toString(), bytesOf(content))
  return { cid, size: content.length }
}

function shown({ cid, bytes, dagBytes }: FilePart): string {
  return `${cid} ${bytes} ${dagBytes}`
}

async function* pieces(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 7) {
    yield bytes.subarray(at, at + 7)
    yield new Uint8Array()
  }
}

/** What a file has when bytes were written into it. */
function written(before: Buffer, offset: number, bytes: Uint8Array): Buffer {
  if (bytes.length === 0) return before
  const after = Buffer.alloc(Math.max(before.length, offset + bytes.length))
  after.set(before)
  after.set(bytes, offset)
  return after
}

function cut(before: Buffer, size: number): Buffer {
  const after = Buffer.alloc(size)
  after.set(before.subarray(0, size))
  return after
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('write'), at: fc.nat({ max: 6000 }), length: fc.nat({ max: 900 }) }),
  fc.record({ kind: fc.constant('stream'), at: fc.nat({ max: 6000 }), length: fc.nat({ max: 900 }) }),
  fc.record({ kind: fc.constant('append'), at: fc.constant(0), length: fc.nat({ max: 900 }) }),
  fc.record({ kind: fc.constant('truncate'), at: fc.nat({ max: 6000 }), length: fc.constant(0) }),
)

describe.each(['unixfs-v1-2025', 'unixfs-v0-2015'] as const)('%s', (profile) => {
  it('gives a file that is changed the CID of its bytes added anew, and says how large its blocks are', async () => {
    const sizes = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 6000 }))
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(step, { maxLength: 5 }), async (size, steps) => {
        const store = memoryBlocks()
        const options = { get: store.get, put: store.put, profile, chunkBytes: 4, owner, signal }
        let content: Buffer = Buffer.from(pattern(size))
        let file = await buildFile(content, options)
        for (const { kind, at, length } of steps) {
          const bytes = pattern(length, at + 2)
          const offset = kind === 'append' ? content.length : at
          if (kind === 'truncate') {
            content = cut(content, at)
            file = await truncateFile(file.cid, at, options)
          } else {
            content = written(content, offset, bytes)
            const change = { offset, content: kind === 'stream' ? pieces(bytes) : bytes }
            file = await editFile(file.cid, change, options)
          }
          expect(file.bytes).toBe(content.length)
          expect(shown(file)).toBe(
            shown(await buildFile(content, { ...options, put: async () => undefined })),
          )
        }
        const { dagBytes, size: said } = describeNode(
          file.cid,
          store.blocks.get(file.cid.toString()) ?? new Uint8Array(),
        )
        expect([dagBytes, said]).toEqual([file.dagBytes, file.bytes])
        expect(await contentOf(file.cid, store)).toEqual(content)
      }),
      { numRuns: 25 },
    )
  })

  it('builds the files that the importer builds', async () => {
    const store = memoryBlocks()
    for (const size of [0, 1, 4, 5, 800, 5000]) {
      const content = pattern(size)
      for (const given of [content, pieces(content)]) {
        const file = await buildFile(given, { put: store.put, profile, chunkBytes: 4, owner, signal })
        expect(file.cid.toString()).toBe(await peerRoot([{ path: 'f', content }], { profile, chunkBytes: 4 }))
      }
    }
  })

  it('reads of 3,000 leaves those that are written in part, and keeps the others', async () => {
    const store = memoryBlocks()
    const options = { get: store.get, put: store.put, profile, chunkBytes: 10, owner, signal }
    const base = await buildFile(pattern(30_000), options)
    const inner = profile === 'unixfs-v1-2025' ? 3 : 18
    // Of dag-pb leaves the first is read, and what leads to it twice.
    const nodes = 1 + inner + (profile === 'unixfs-v1-2025' ? 1 : 2)
    const edit = (offset: number, length: number) =>
      store.during(() => editFile(base.cid, { offset, content: pattern(length, 9) }, options))
    // Within one leaf; from the middle of one to that of another; exactly two; behind the end.
    for (const [offset, length, read, stored] of [
      [15_003, 4, 2, 1],
      [15_003, 24, 2, 3],
      [15_000, 20, 0, 2],
      [30_000, 10, 0, 1],
    ] as const) {
      const { value, gets, puts } = await edit(offset, length)
      expect([offset, gets, puts]).toEqual([offset, nodes + read, stored + inner + 1])
      const before = new Set(leavesOf(base.cid, store))
      expect(leavesOf(value.cid, store).filter((leaf) => !before.has(leaf))).toHaveLength(stored)
    }
    const { gets, puts } = await store.during(() => truncateFile(base.cid, 29_990, options))
    expect([gets, puts]).toEqual([nodes, inner + 1])
  })
})

describe('a file that no importer makes', () => {
  /** Leaves of 3, 10 and 5 bytes, a part with parts of its own beside them, and bytes in a node with links. */
  function foreign(store: Store) {
    const leaves = ['abc', '0123456789', 'ABCDE'].map((content) => putRaw(store, content))
    const [x, y] = [putRaw(store, 'xxxx'), putRaw(store, 'yyyyyy')]
    const below = put(store, { data: bytesOf('in'), blockSizes: [4, 6], links: [x, y] })
    const deep = put(store, { data: bytesOf('leaf') })
    const root = put(store, {
      blockSizes: [4, 3, 10, 5, 12],
      links: [deep, ...leaves, { cid: below.cid, size: below.size + 10 }],
    })
    return { cid: root.cid, content: Buffer.from('leafabc0123456789ABCDEinxxxxyyyyyy'), leaves, y }
  }

  it('is changed anywhere, and keeps its leaves where they are not touched', async () => {
    for (let offset = 0; offset <= 36; offset += 1) {
      for (const length of [1, 2, 9, 40]) {
        const store = memoryBlocks()
        const { cid, content } = foreign(store)
        const options = { get: store.get, put: store.put, chunkBytes: 4, owner, signal }
        const bytes = pattern(length, 5)
        const edited = await editFile(cid, { offset, content: bytes }, options)
        expect(await contentOf(edited.cid, store)).toEqual(written(content, offset, bytes))
        const truncated = await truncateFile(cid, offset, options)
        expect(await contentOf(truncated.cid, store)).toEqual(cut(content, offset))
      }
    }
    const store = memoryBlocks()
    const { cid, leaves, y } = foreign(store)
    const options = { get: store.get, put: store.put, chunkBytes: 4, owner, signal }
    const edited = await editFile(cid, { offset: 23, content: bytesOf('!') }, options)
    const kept = leavesOf(edited.cid, store)
    for (const leaf of [...leaves, y]) expect(kept).toContain(leaf.cid.toString())
  })

  it.each<[what: string, shape: (leaf: CID) => NodeShape]>([
    ['has more links than sizes', (cid) => ({ blockSizes: [10], links: [{ cid }, { cid }] })],
    ['has a leaf of another size than it says', (cid) => ({ blockSizes: [5, 7], links: [{ cid }, { cid }] })],
    [
      'has a folder in it',
      () => ({ blockSizes: [5], links: [{ cid: cidOf(nodeBytes({ type: 'directory' }), 0x70) }] }),
    ],
  ])('is refused when it %s', async (_what, shape) => {
    const store = memoryBlocks()
    put(store, { type: 'directory' })
    const { cid } = put(store, shape(putRaw(store, '0123456789').cid))
    const options = { get: store.get, put: store.put, owner, signal }
    expect(await rejection(editFile(cid, { offset: 1, content: bytesOf('!') }, options))).toMatchObject({
      code: 'IPFS_INVALID_NODE',
    })
  })

  it('is refused when it has parts in parts without end, or more of them than anybody can hold', async () => {
    const store = memoryBlocks()
    let { cid } = put(store, { data: bytesOf('x') })
    for (let level = 0; level < 70; level += 1) ({ cid } = put(store, { blockSizes: [1], links: [{ cid }] }))
    const options = { get: store.get, put: store.put, owner, signal }
    expect(await rejection(truncateFile(cid, 0, options))).toMatchObject({ code: 'IPFS_DAG_TOO_LARGE' })
    let size = 1
    cid = put(store, { data: bytesOf('x') }).cid
    for (let level = 0; level < 3; level += 1) {
      cid = put(store, { blockSizes: Array(1024).fill(size), links: Array(1024).fill({ cid }) }).cid
      size *= 1024
    }
    expect(await rejection(truncateFile(cid, 0, options))).toMatchObject({ code: 'IPFS_DAG_TOO_LARGE' })
  })
})

describe('what is given', () => {
  const given = async (): Promise<{
    store: Store
    file: FilePart
    options: Parameters<typeof editFile>[2]
  }> => {
    const store = memoryBlocks()
    const options = { get: store.get, put: store.put, chunkBytes: 8, owner, signal }
    return { store, options, file: await buildFile(pattern(100), options) }
  }

  it('as nothing changes nothing, also behind the end', async () => {
    const { file, options } = await given()
    for (const offset of [0, 50, 100, 1000]) {
      for (const content of [new Uint8Array(), pieces(new Uint8Array())])
        expect(shown(await editFile(file.cid, { offset, content }, options))).toBe(shown(file))
    }
    expect(shown(await truncateFile(file.cid, 100, options))).toBe(shown(file))
  })

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('as the place %d is refused', async (at) => {
    const { file, options } = await given()
    const content = bytesOf('!')
    expect(await rejection(editFile(file.cid, { offset: at, content }, options))).toBeInstanceOf(RangeError)
    expect(await rejection(truncateFile(file.cid, at, options))).toBeInstanceOf(RangeError)
  })

  it('as a place that is too far behind the end is refused, and writes nothing', async () => {
    const { store, file, options } = await given()
    const { value, puts } = await store.during(() =>
      rejection(editFile(file.cid, { offset: 2 ** 50, content: bytesOf('!') }, options)),
    )
    expect(value).toMatchObject({ code: 'IPFS_DAG_TOO_LARGE' })
    expect(puts).toBe(0)
  })

  it('as a gap has so many zeros, one leaf of them is stored', async () => {
    const { store, file, options } = await given()
    const [leaves, bytes] = [300_000, 300_000 * 8]
    const { value, puts } = await store.during(() => truncateFile(file.cid, bytes, options))
    expect(value.bytes).toBe(bytes)
    // The nodes above the leaves, and few leaves.
    expect(puts).toBeLessThan(leaves / 1024 + 20)
    expect(store.blocks.size).toBeLessThan(40)
    const { value: cut } = await store.during(() => truncateFile(value.cid, file.bytes, options))
    expect(shown(cut)).toBe(shown(file))
  })

  it('as a file has to be one', async () => {
    const { store, options } = await given()
    const { cid } = put(store, { type: 'directory' })
    expect(await rejection(truncateFile(cid, 0, options))).toMatchObject({ code: 'IPFS_NOT_A_FILE' })
  })

  it('as a stream that fails fails the write with its error', async () => {
    const { file, options } = await given()
    const content = failing(new Error('torn'), pattern(30))
    expect(await rejection(editFile(file.cid, { offset: 10, content }, options))).toMatchObject({
      message: 'torn',
    })
  })

  it('as a signal ends it with its reason', async () => {
    const { file, options } = await given()
    const content = pattern(50)
    const aborted = { ...options, signal: AbortSignal.abort('enough') }
    expect(await rejection(editFile(file.cid, { offset: 10, content }, aborted))).toBe('enough')
    expect(await rejection(buildFile(pieces(content), aborted))).toBe('enough')
  })

  it('as a store that fails fails it after what runs has ended', async () => {
    const { file, options } = await given()
    let running = 0
    const failed = async (): Promise<void> => {
      running += 1
      await new Promise(setImmediate)
      running -= 1
      throw new Error('no room')
    }
    const content = pattern(90)
    const work = editFile(file.cid, { offset: 3, content }, { ...options, put: failed })
    expect(await rejection(work)).toMatchObject({ message: 'no room' })
    expect(running).toBe(0)
  })
})

describe('a node', () => {
  it.each<[kind: string, shape: NodeShape, said: object]>([
    ['file', { data: bytesOf('four'), mode: 0o600 }, { kind: 'file', size: 4, mode: 0o600 }],
    ['file', { type: 'raw', data: bytesOf('four') }, { kind: 'file', size: 4 }],
    [
      'folder',
      { type: 'directory', mtime: { secs: 5n } },
      { kind: 'directory', size: 0, mtime: { secs: 5n } },
    ],
    ['HAMT folder', { type: 'hamt-sharded-directory', fanout: 256n }, { kind: 'directory' }],
    [
      'symbolic link',
      { type: 'symlink', data: bytesOf('../ä') },
      { kind: 'symlink', size: 5, target: '../ä' },
    ],
    ['node of another kind', { type: 'metadata' }, { kind: 'node' }],
  ])('that is a %s is told as one', (_kind, shape, said) => {
    const bytes = nodeBytes(shape)
    expect(describeNode(cidOf(bytes, 0x70), bytes)).toMatchObject(said)
  })
})
