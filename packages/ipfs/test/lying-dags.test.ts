import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { expect, it } from 'vitest'
import { absent, chainOfDoubleLinks, cidOf, nodeBytes, putNode } from './nodes.ts'
import { bytesOf, concat, drain, opened, read, rejection } from './opened.ts'

const leafBytes = bytesOf('0123456789')
const leaf = cidOf(leafBytes)

it.each<[what: string, shape: (leaf: CID) => Parameters<typeof putNode>[1]]>([
  ['says a leaf has more bytes than it has', (cid) => ({ blockSizes: [11], links: [{ cid }] })],
  ['says a leaf has fewer bytes than it has', (cid) => ({ blockSizes: [9], links: [{ cid }] })],
  ['has more links than sizes', (cid) => ({ blockSizes: [10], links: [{ cid }, { cid }] })],
  ['has more sizes than links', (cid) => ({ blockSizes: [10, 10], links: [{ cid }] })],
  ['says it has 2^62 bytes', (cid) => ({ blockSizes: [2n ** 62n], links: [{ cid }] })],
  [
    'says it has 2^64 - 1 bytes twice',
    (cid) => ({ blockSizes: [2n ** 64n - 1n, 2n ** 64n - 1n], links: [{ cid }, { cid }] }),
  ],
])('refuses a file that %s', async (_what, shape) => {
  const { ipfs } = await opened()
  await ipfs.blocks.put(leafBytes)
  const cid = await putNode(ipfs, shape(leaf))
  const error = await rejection(read(ipfs, cid))
  expect(error).toMatchObject({ code: 'IPFS_INVALID_NODE' })
  expect(ipfs.stats().blocksRead).toBeLessThan(8)
})

it('refuses a subtree whose own sizes differ from what its parent says of it', async () => {
  const { ipfs } = await opened()
  await ipfs.blocks.put(leafBytes)
  const inner = await putNode(ipfs, { blockSizes: [10], links: [{ cid: leaf }] })
  const cid = await putNode(ipfs, { blockSizes: [20], links: [{ cid: inner }] })
  expect(await rejection(read(ipfs, cid))).toMatchObject({ code: 'IPFS_INVALID_NODE' })
})

it.each(['directory', 'symlink', 'hamt-sharded-directory'] as const)(
  'refuses a file with a %s inside',
  async (type) => {
    const { ipfs } = await opened()
    const inner = await putNode(ipfs, { type, data: bytesOf('x') })
    const cid = await putNode(ipfs, { blockSizes: [1], links: [{ cid: inner }] })
    expect(await rejection(read(ipfs, cid))).toMatchObject({ code: 'IPFS_INVALID_NODE' })
  },
)

it('refuses a file with a node of another codec inside', async () => {
  const { ipfs } = await opened()
  const inner = await ipfs.dag.put({ a: 1 })
  const cid = await putNode(ipfs, { blockSizes: [4], links: [{ cid: inner }] })
  expect(await rejection(read(ipfs, cid))).toMatchObject({ code: 'IPFS_INVALID_NODE' })
})

it('gives the bytes before a missing block, then says which one it is', async () => {
  const { ipfs } = await opened()
  await ipfs.blocks.put(leafBytes)
  const cid = await putNode(ipfs, { blockSizes: [10, 10], links: [{ cid: leaf }, { cid: absent }] })
  const got: Uint8Array[] = []
  const reading = async () => {
    for await (const chunk of (await ipfs.files.cat(cid.toString())).body) got.push(chunk)
  }
  expect(await rejection(reading())).toMatchObject({
    code: 'IPFS_BLOCK_NOT_FOUND',
    message: expect.stringContaining(absent.toString()),
  })
  expect(Buffer.concat(got)).toEqual(Buffer.from(leafBytes))
  expect(await read(ipfs, cid, { offset: 0, length: 10 })).toEqual(Buffer.from(leafBytes))
})

it('reads data that lies in the nodes themselves, in inline CIDs, and leaves that are linked twice', async () => {
  const { ipfs } = await opened()
  await ipfs.blocks.put(leafBytes)
  const inline = CID.createV1(0x55, identity.digest(bytesOf('inline')))
  const cid = await putNode(ipfs, {
    data: bytesOf('head'),
    blockSizes: [10, 6, 10],
    links: [{ cid: leaf }, { cid: inline }, { cid: leaf }],
  })
  const whole = 'head0123456789inline0123456789'
  expect((await read(ipfs, cid)).toString()).toBe(whole)
  for (let at = 0; at < whole.length; at += 1) {
    expect((await read(ipfs, cid, { offset: at, length: 7 })).toString()).toBe(whole.slice(at, at + 7))
  }
})

it('does not look into a bomb that says it has no bytes', async () => {
  const { ipfs } = await opened()
  await ipfs.blocks.put(leafBytes)
  const empty = await putNode(ipfs, {})
  const bomb = await chainOfDoubleLinks(
    ipfs,
    64,
    (cid) => ({ blockSizes: [0, 0], links: [{ cid }, { cid }] }),
    empty,
  )
  const cid = await putNode(ipfs, {
    blockSizes: [10, 0, 10],
    links: [{ cid: leaf }, { cid: bomb }, { cid: leaf }],
  })
  const before = ipfs.stats().blocksRead
  expect((await read(ipfs, cid)).toString()).toBe('01234567890123456789')
  expect(ipfs.stats().blocksRead - before).toBeLessThan(8)
})

it('reads a range at the far end of 10 * 2^45 bytes in a chain of eightfold links', async () => {
  const { ipfs } = await opened()
  await ipfs.blocks.put(leafBytes)
  let size = 10
  let cid = leaf
  for (let level = 0; level < 15; level += 1) {
    cid = await putNode(ipfs, { blockSizes: Array(8).fill(size), links: Array(8).fill({ cid }) })
    size *= 8
  }
  const before = ipfs.stats().blocksRead
  expect((await read(ipfs, cid, { offset: -13 })).toString()).toBe('7890123456789')
  expect(ipfs.stats().blocksRead - before).toBeLessThan(60)
})

it('refuses bytes that are no UnixFS, and a node without any', async () => {
  const { ipfs } = await opened()
  const bad = await ipfs.dag.put({ Data: Uint8Array.of(0xff, 0xff, 0xff), Links: [] }, { codec: 'dag-pb' })
  for (const call of [
    () => ipfs.files.cat(bad.toString()),
    () => ipfs.files.stat(bad.toString()),
    () => drain(ipfs.files.ls(bad.toString())),
    () => ipfs.files.resolve(`${bad}/a`),
  ]) {
    expect(await rejection(call())).toMatchObject({ code: 'IPFS_INVALID_NODE' })
  }
  const none = await ipfs.dag.put({ Links: [] }, { codec: 'dag-pb' })
  expect(await rejection(ipfs.files.cat(none.toString()))).toMatchObject({ code: 'IPFS_NOT_A_FILE' })
  expect(await rejection(drain(ipfs.files.ls(none.toString())))).toMatchObject({
    code: 'IPFS_NOT_A_DIRECTORY',
  })
  expect(await ipfs.files.stat(none.toString())).toMatchObject({ type: 'node' })
})

it('refuses a HAMT folder whose parts lead to the same part again, instead of listing for ever', async () => {
  const { ipfs } = await opened()
  const empty = await putNode(ipfs, { type: 'hamt-sharded-directory', fanout: 256n, data: new Uint8Array() })
  const bomb = await chainOfDoubleLinks(
    ipfs,
    64,
    (cid) => ({
      type: 'hamt-sharded-directory',
      fanout: 256n,
      data: Uint8Array.of(3),
      links: [
        { cid, name: '00' },
        { cid, name: '01' },
      ],
    }),
    empty,
  )
  const before = ipfs.stats().blocksRead
  expect(await rejection(drain(ipfs.files.ls(bomb.toString())))).toMatchObject({ code: 'IPFS_INVALID_NODE' })
  expect(await rejection(concat(await ipfs.files.tar(bomb.toString())))).toMatchObject({
    code: 'IPFS_INVALID_NODE',
  })
  expect(ipfs.stats().blocksRead - before).toBeLessThan(400)
})

it.each<[what: string, shape: Parameters<typeof nodeBytes>[0]]>([
  ['no fanout', {}],
  ['a fanout of 0', { fanout: 0n }],
  ['a fanout of 3', { fanout: 3n }],
  ['a fanout of 2^40', { fanout: 2n ** 40n }],
  ['a fanout of 2^63', { fanout: 2n ** 63n }],
  ['a part that is a file', { fanout: 256n, links: [{ cid: leaf, name: '00' }] }],
  ['a part at a place that is no number', { fanout: 256n, links: [{ cid: leaf, name: 'ZZ' }] }],
  ['a name that is too short', { fanout: 256n, links: [{ cid: leaf, name: '0' }] }],
  ['a part that is missing', { fanout: 256n, links: [{ cid: cidOf(leafBytes, 0x70), name: '00' }] }],
])('answers soon, with a code, for a HAMT folder with %s', async (_what, shape) => {
  const { ipfs } = await opened()
  await ipfs.blocks.put(leafBytes)
  const cid = await putNode(ipfs, { type: 'hamt-sharded-directory', data: Uint8Array.of(1), ...shape })
  for (const call of [
    () => drain(ipfs.files.ls(cid.toString())),
    () => ipfs.files.resolve(`${cid}/some-name`),
    async () => concat(await ipfs.files.tar(cid.toString())),
  ]) {
    const outcome = await call().then(
      () => 'IPFS_EMPTY',
      (error: { code?: string }) => error.code,
    )
    expect(outcome).toMatch(/^IPFS_/)
  }
})
