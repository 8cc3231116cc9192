import { join } from 'node:path'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import Database from 'better-sqlite3'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { identity } from 'multiformats/hashes/identity'
import { sha512 } from 'multiformats/hashes/sha2'
import { describe, expect, it } from 'vitest'
import { header, length, pieces, written, type CarBlock } from './cars.ts'
import { absent, cidOf, nodeBytes } from './nodes.ts'
import {
  added,
  addFile,
  all,
  bytesOf,
  drain,
  expectNothingKept,
  opened,
  pattern,
  pinned,
  read,
  rejection,
  stalled,
} from './opened.ts'

function block(bytes: Uint8Array | string, codec = 0x55): CarBlock {
  const content = bytesOf(bytes)
  return { cid: cidOf(content, codec), bytes: content }
}

/** A folder with two files. */
const leaves = [block('first file'), block('second file')]
const root = block(
  nodeBytes({ type: 'directory', links: leaves.map(({ cid }, at) => ({ cid, name: `file-${at}` })) }),
  0x70,
)
const whole = [root, ...leaves]

async function expectRefused(
  archive: Uint8Array,
  code: string,
  options?: { maxBlockBytes?: number; pieceBytes?: number },
) {
  const { pieceBytes, ...rest } = options ?? {}
  const { ipfs } = await opened(rest)
  expect(await rejection(ipfs.car.import(pieces(archive, pieceBytes)))).toMatchObject({ code })
  await expectNothingKept(ipfs)
}

it("brings what the ecosystem's writer has written, and pins its roots", async () => {
  const { ipfs } = await opened()
  const archive = await written([root.cid], whole)
  for (const size of [1, 7, 100, 65_536]) {
    const { roots, blocks, bytes } = await ipfs.car.import(pieces(archive, size), { name: 'brought' })
    expect(roots.map(String)).toEqual([root.cid.toString()])
    expect([blocks, bytes]).toEqual([3, whole.reduce((sum, one) => sum + one.bytes.length, 0)])
  }
  expect((await read(ipfs, `${root.cid}/file-1`)).toString()).toBe('second file')
  expect((await ipfs.pins.get(root.cid)).metadata).toEqual({ name: 'brought' })
  expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
})

it('brings what another node has exported, with the same CIDs', async () => {
  const { ipfs: source } = await opened()
  const { ipfs } = await opened()
  const { cid } = await added(source, [
    { path: 'd/a', content: pattern(3_000_000) },
    { path: 'd/b/c', content: pattern(1000) },
    { path: 'd/empty' },
  ])
  const { roots } = await ipfs.car.import(await source.car.export(cid.toString()))
  expect(roots.map(String)).toEqual([cid.toString()])
  expect((await read(ipfs, `${cid}/a`)).equals(pattern(3_000_000))).toBe(true)
  const { blocks, bytes, pins } = await source.repo.stat()
  expect(await ipfs.repo.stat()).toMatchObject({ blocks, bytes, pins })
})

it('takes several roots, blocks in any order and more than once, and blocks that nobody asked for', async () => {
  const { ipfs } = await opened()
  const extra = block('extra')
  const archive = await written([leaves[1]!.cid, root.cid], [...whole.toReversed(), extra, ...whole])
  const { roots, blocks } = await ipfs.car.import(pieces(archive))
  expect([roots.length, blocks]).toEqual([2, 7])
  expect(await pinned(ipfs)).toHaveLength(2)
  expect((await ipfs.repo.gc()).removedBlocks).toBe(1)
})

it('pins nothing when asked not to', async () => {
  const { ipfs } = await opened()
  await ipfs.car.import(pieces(await written([root.cid], whole)), { pin: false })
  expect(await pinned(ipfs)).toEqual([])
  expect((await ipfs.repo.gc()).removedBlocks).toBe(3)
})

it('takes thousands of small blocks', async () => {
  const { ipfs } = await opened({ maxBlockBytes: 50_000 })
  // More bytes of CIDs and lengths than a whole block may have: they must not add up.
  const nodes = Array.from({ length: 3000 }, (_, at) => block(encodeCbor(at), 0x71))
  const top = block(encodeCbor(nodes.slice(0, 1000).map((node) => node.cid)), 0x71)
  const { blocks } = await ipfs.car.import(pieces(await written([top.cid], [top, ...nodes]), 1000))
  expect(blocks).toBe(3001)
})

it('reads version 2, with padding and an index behind', async () => {
  const { ipfs } = await opened()
  const inner = await written([root.cid], whole)
  const padding = new Uint8Array(100)
  const dataOffset = 11 + 40 + padding.length
  const fixed = new DataView(new ArrayBuffer(40))
  fixed.setBigUint64(16, BigInt(dataOffset), true)
  fixed.setBigUint64(24, BigInt(inner.length), true)
  fixed.setBigUint64(32, BigInt(dataOffset + inner.length), true)
  const index = Buffer.from('an index that nobody needs to read')
  const archive = Buffer.concat([header({ version: 2 }), new Uint8Array(fixed.buffer), padding, inner, index])
  expect(archive.indexOf(inner)).toBe(dataOffset)
  const { blocks } = await ipfs.car.import(pieces(archive, 64))
  expect(blocks).toBe(3)
  expect(await pinned(ipfs)).toEqual([root.cid.toString()])
})

describe('what is inline or stored', () => {
  it('takes inline CIDs as blocks, as roots and as links', async () => {
    const { ipfs } = await opened()
    const inline = CID.createV1(0x55, identity.digest(bytesOf('inline')))
    const node = block(encodeCbor({ inline }), 0x71)
    const archive = await written([node.cid, inline], [node, { cid: inline, bytes: bytesOf('inline') }])
    expect((await ipfs.car.import(pieces(archive))).blocks).toBe(2)
    expect((await ipfs.repo.stat()).blocks).toBe(1)
    expect((await read(ipfs, `${node.cid}/inline`)).toString()).toBe('inline')
  })

  it('refuses an inline block whose bytes are others', async () => {
    const inline = CID.createV1(0x55, identity.digest(bytesOf('inline')))
    await expectRefused(
      await written([inline], [{ cid: inline, bytes: bytesOf('other') }]),
      'IPFS_CAR_INVALID',
    )
  })

  it('takes an archive whose root, or the rest of it, is in the store already', async () => {
    const { ipfs } = await opened()
    await ipfs.car.import(pieces(await written([root.cid], whole)), { pin: false })
    await ipfs.car.import(pieces(await written([root.cid], [leaves[0]!])))
    expect(await pinned(ipfs)).toEqual([root.cid.toString()])
    expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
  })

  it('takes blocks hashed with sha2-512', async () => {
    const { ipfs } = await opened()
    const bytes = bytesOf('longer hash')
    const cid = CID.createV1(0x55, await sha512.digest(bytes))
    await ipfs.car.import(pieces(await written([cid], [{ cid, bytes }])))
    expect(await ipfs.blocks.get(cid)).toEqual(Buffer.from(bytes))
    expect((await ipfs.repo.gc()).keptBlocks).toBe(1)
    await drain(ipfs.pins.rm(cid))
    expect((await ipfs.repo.gc()).removedBlocks).toBe(1)
  })
})

describe('an archive is refused, and nothing of it is kept,', () => {
  it('when it is cut at any byte', async () => {
    const archive = await written([root.cid], whole)
    const { ipfs } = await opened()
    for (let end = 0; end < archive.length; end += 1) {
      const error = await rejection(ipfs.car.import(pieces(archive.subarray(0, end), 50)))
      expect(error).toMatchObject({ code: 'IPFS_CAR_INVALID', kind: 'corrupt-input' })
      await expectNothingKept(ipfs)
    }
  })

  it('when any byte of it is another', async () => {
    const archive = await written([root.cid], whole)
    const { ipfs } = await opened()
    for (let at = 0; at < archive.length; at += 1) {
      const other = archive.slice()
      other[at]! ^= 0x01
      const outcome = await ipfs.car.import(pieces(other)).then(
        (result) => result,
        (error: { code: string }) => error.code,
      )
      // What still is an archive brings what it says, verified; never the root that was promised with other bytes.
      if (typeof outcome === 'string') expect(outcome).toMatch(/^IPFS_/)
      else
        for (const cid of outcome.roots)
          for (const one of await all(ipfs.pins.add(cid))) await ipfs.blocks.get(one)
    }
    expect(ipfs.stats().corruptReads).toBe(0)
  })

  it.each<[what: string, archive: () => Uint8Array | Promise<Uint8Array>, code: string]>([
    ['when it is empty', () => new Uint8Array(), 'IPFS_CAR_INVALID'],
    ['when it is text', () => bytesOf('this is not an archive'.repeat(100)), 'IPFS_CAR_INVALID'],
    ['when it is noise', () => pattern(100_000), 'IPFS_CAR_INVALID'],
    ['when it is zeros', () => new Uint8Array(10_000), 'IPFS_CAR_INVALID'],
    ['when it names no root', () => written([], whole), 'IPFS_CAR_INVALID'],
    ['when its header has no roots', () => header({ version: 1 }), 'IPFS_CAR_INVALID'],
    [
      'when its header has another version',
      () => header({ version: 3, roots: [root.cid] }),
      'IPFS_CAR_INVALID',
    ],
    ['when its header is a list', () => header([1]), 'IPFS_CAR_INVALID'],
    [
      'when its header is 2^40 bytes long',
      () => Buffer.concat([length(2 ** 40), pattern(10)]),
      'IPFS_CAR_INVALID',
    ],
    ['when it lacks its root', () => written([root.cid], leaves), 'IPFS_CAR_INVALID'],
    ['when it lacks a leaf', () => written([root.cid], [root, leaves[0]!]), 'IPFS_CAR_INVALID'],
    ['when it lacks one of two roots', () => written([root.cid, absent], whole), 'IPFS_CAR_INVALID'],
    [
      'when a block lies',
      () => written([root.cid], [root, leaves[0]!, { cid: leaves[1]!.cid, bytes: bytesOf('a lie') }]),
      'IPFS_CAR_INVALID',
    ],
    [
      'when a section is shorter than its CID',
      async () => Buffer.concat([await written([root.cid], whole), length(3), leaves[0]!.cid.bytes]),
      'IPFS_CAR_INVALID',
    ],
    [
      'when a section is empty',
      async () => Buffer.concat([await written([root.cid], whole), Uint8Array.of(0)]),
      'IPFS_CAR_INVALID',
    ],
    [
      'when something follows its last section',
      async () => Buffer.concat([await written([root.cid], whole), bytesOf('!')]),
      'IPFS_CAR_INVALID',
    ],
    [
      'when a block has an unknown hash',
      () =>
        written(
          [root.cid],
          [...whole, { cid: CID.createV1(0x55, create(0x1e, pattern(32))), bytes: pattern(10) }],
        ),
      'IPFS_UNKNOWN_HASH',
    ],
    [
      'when a root has an unknown codec',
      () => written([CID.createV1(0x72, leaves[0]!.cid.multihash)], leaves),
      'IPFS_UNKNOWN_CODEC',
    ],
    [
      'when a node below the root does not decode',
      () => {
        const bad = block(Uint8Array.of(0xff), 0x71)
        const top = block(encodeCbor({ bad: bad.cid }), 0x71)
        return written([top.cid], [top, bad])
      },
      'IPFS_INVALID_NODE',
    ],
  ])('%s', async (_what, archive, code) => {
    await expectRefused(await archive(), code)
  })

  it.each([64, 1_000_000])(
    'when a block is larger than allowed (in pieces of %i bytes)',
    async (pieceBytes) => {
      const large = block(pattern(20_000))
      await expectRefused(await written([large.cid], [large]), 'IPFS_BLOCK_TOO_LARGE', {
        maxBlockBytes: 10_000,
        pieceBytes,
      })
    },
  )

  it('when a section says it has 2^40 bytes, without reading on', async () => {
    const { ipfs } = await opened({ maxBlockBytes: 100_000 })
    const start = Buffer.concat([await written([root.cid], whole), length(2 ** 40), leaves[0]!.cid.bytes])
    let sent = 0
    async function* endless() {
      yield start
      for (;;) {
        sent += 10_000
        yield pattern(10_000)
      }
    }
    expect(await rejection(ipfs.car.import(endless()))).toMatchObject({ code: 'IPFS_BLOCK_TOO_LARGE' })
    expect(sent).toBeLessThan(200_000)
    await expectNothingKept(ipfs)
  })

  it('when its source fails: then that error passes through', async () => {
    const { ipfs } = await opened()
    const archive = await written([root.cid], whole)
    const error = new Error('the connection was lost')
    async function* lost() {
      yield archive.subarray(0, 150)
      throw error
    }
    expect(await rejection(ipfs.car.import(lost()))).toBe(error)
    await expectNothingKept(ipfs)
  })

  it('when it is aborted while it waits for its source, which it lets go', async () => {
    const { ipfs } = await opened()
    const archive = await written([root.cid], whole)
    for (const end of [0, 10, 150, archive.length]) {
      const abort = new AbortController()
      const source = stalled(archive.subarray(0, end))
      const importing = rejection(ipfs.car.import(source.content, { signal: abort.signal }))
      await source.reached
      abort.abort('enough')
      expect(await importing).toBe('enough')
      expect(source.left).toBe(true)
      await expectNothingKept(ipfs)
    }
  })
})

it('lets go of its source when it refuses what it gets', async () => {
  const { ipfs } = await opened()
  let left = false
  async function* source() {
    try {
      for (;;) yield bytesOf('this is not an archive')
    } finally {
      left = true
    }
  }
  await rejection(ipfs.car.import(source()))
  expect(left).toBe(true)
})

it('keeps what was there before when an archive with the same blocks is refused', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, 'first file')
  await rejection(ipfs.car.import(pieces(await written([root.cid], [root, leaves[0]!]))))
  await ipfs.repo.gc()
  expect((await read(ipfs, cid)).toString()).toBe('first file')
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 1, pins: 1 })
})

it('pins all of its roots or none of them', async () => {
  const { ipfs: before, path } = await opened()
  await before.close()
  const database = new Database(join(path, 'pins.sqlite'))
  const refused = Buffer.from(leaves[0]!.cid.bytes).toString('hex')
  database.exec(
    `CREATE TRIGGER refuse BEFORE INSERT ON pins WHEN NEW.cid = x'${refused}' BEGIN SELECT RAISE(ABORT, 'no'); END`,
  )
  database.close()
  const { ipfs } = await opened({ path })
  const archive = await written([root.cid, leaves[0]!.cid], whole)
  expect(await rejection(ipfs.car.import(pieces(archive)))).toMatchObject({
    code: 'IPFS_STORE_FAILED',
    kind: 'internal',
  })
  await expectNothingKept(ipfs)
})

it('takes an archive from a source that uses one buffer for all its pieces', async () => {
  const { ipfs } = await opened()
  const many = Array.from({ length: 200 }, (_, at) => block(pattern(3000, at)))
  const archive = await written([many[0]!.cid], many)
  const buffer = Buffer.alloc(10_000)
  const reusing = async function* () {
    for (let at = 0; at < archive.length; at += buffer.length) {
      const piece = archive.subarray(at, at + buffer.length)
      buffer.fill(0).set(piece)
      yield buffer.subarray(0, piece.length)
    }
  }
  await ipfs.car.import(reusing())
  for (const { cid, bytes } of many)
    expect(Buffer.compare(await ipfs.blocks.get(cid), bytes), cid.toString()).toBe(0)
})
