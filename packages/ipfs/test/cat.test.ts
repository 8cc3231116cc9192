import { type Ipfs } from '@ipfs-kit/ipfs'
import fc from 'fast-check'
import type { CID } from 'multiformats/cid'
import { beforeAll, describe, expect, it } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openIpfs } from '@ipfs-kit/ipfs'
import { added, all, addFile, bytesOf, opened, pattern, read, rejection } from './opened.ts'

const content = pattern(5000)

describe('a range', () => {
  let ipfs: Ipfs
  const files: { name: string; cid: CID; bytes: Uint8Array }[] = []
  beforeAll(async () => {
    const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-test-'))
    ipfs = await openIpfs({ path })
    const add = async (name: string, bytes: Uint8Array, options: Parameters<typeof addFile>[2]) =>
      files.push({ name, cid: await addFile(ipfs, bytes, options), bytes })
    await add('one raw leaf', content, {})
    await add('one wrapped leaf', content, { profile: 'unixfs-v0-2015' })
    await add('two levels', content, { chunkBytes: 10 })
    await add('two levels of wrapped leaves', content, { profile: 'unixfs-v0-2015', chunkBytes: 37 })
    await add('three levels', content, { profile: 'unixfs-v0-2015', chunkBytes: 7 })
    await add('nothing', new Uint8Array(), {})
    return async () => {
      await ipfs.close()
      await rm(path, { recursive: true })
    }
  })

  it('gives exactly the bytes asked for, in every shape of DAG', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(5),
        fc.oneof(fc.integer({ min: -5100, max: 4999 }), fc.integer({ min: -12, max: 12 })),
        fc.option(fc.oneof(fc.nat(5200), fc.nat(20)), { nil: undefined }),
        async (which, asked, length) => {
          const { cid, bytes } = files[which]!
          const offset = bytes.length === 0 ? Math.min(asked, 0) : asked
          const from = offset < 0 ? Math.max(bytes.length + offset, 0) : offset
          const expected = bytes.subarray(from, length === undefined ? undefined : from + length)
          const file = await ipfs.files.cat(cid.toString(), {
            offset,
            ...(length === undefined ? {} : { length }),
          })
          expect([file.size, file.offset, file.length]).toEqual([bytes.length, from, expected.length])
          expect(Buffer.concat(await all(file.body))).toEqual(Buffer.from(expected))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('reads only the blocks that it needs', async () => {
    const { cid } = files[2]!
    const before = ipfs.stats().blocksRead
    expect(await read(ipfs, cid, { offset: 2500, length: 10 })).toEqual(
      Buffer.from(content.subarray(2500, 2510)),
    )
    // The root for its size and 2500..2510, which is one leaf of 10 bytes.
    expect(ipfs.stats().blocksRead - before).toBe(2)
  })

  it('of no bytes reads the root alone', async () => {
    const { cid } = files[4]!
    const before = ipfs.stats().blocksRead
    expect(await read(ipfs, cid, { offset: 100, length: 0 })).toHaveLength(0)
    expect(ipfs.stats().blocksRead - before).toBe(1)
  })

  it.each([0, 2, 4])(
    'that starts at or beyond the end is refused with the size (shape %i)',
    async (which) => {
      const { cid } = files[which]!
      for (const range of [
        { offset: 5000 },
        { offset: 5001 },
        { offset: 5001, length: 0 },
        { offset: 2 ** 50, length: 1 },
      ]) {
        const error = await rejection(read(ipfs, cid, range))
        expect(error).toMatchObject({
          code: 'IPFS_RANGE',
          kind: 'range',
          message: expect.stringContaining('5000'),
        })
      }
      expect(await read(ipfs, cid, { offset: 5000, length: 0 })).toHaveLength(0)
    },
  )

  it('beyond the end of an empty file is refused; its start is not', async () => {
    const { cid } = files[5]!
    expect(await rejection(read(ipfs, cid, { offset: 1 }))).toMatchObject({ code: 'IPFS_RANGE' })
    expect(await read(ipfs, cid, { offset: 0, length: 10 })).toHaveLength(0)
    expect(await read(ipfs, cid, { offset: -5 })).toHaveLength(0)
  })

  it.each([{ offset: 0.5 }, { offset: Number.NaN }, { length: -1 }, { length: 1.5 }, { offset: Infinity }])(
    'of %j is no range',
    async (range) => {
      expect(await rejection(read(ipfs, files[0]!.cid, range))).toBeInstanceOf(RangeError)
    },
  )
})

it('reads a few blocks ahead of a slow reader and no more', async () => {
  const { ipfs } = await opened()
  const piece = pattern(1_048_576)
  async function* big() {
    for (let at = 0; at < 64; at += 1) {
      const chunk = piece.slice()
      chunk[0] = at
      yield chunk
    }
  }
  const { cid, summary } = await added(ipfs, [{ path: 'big', content: big() }])
  expect(summary.bytes).toBe(64 * 1_048_576)
  const before = ipfs.stats().blocksRead
  let taken = 0
  for await (const chunk of (await ipfs.files.cat(cid.toString())).body) {
    expect(chunk[0]).toBe(taken)
    taken += 1
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    expect(ipfs.stats().blocksRead - before - taken).toBeLessThanOrEqual(6)
  }
  expect(taken).toBe(64)
})

it('stops reading when its reader leaves', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, content, { chunkBytes: 10 })
  const before = ipfs.stats().blocksRead
  for await (const _ of (await ipfs.files.cat(cid.toString())).body) break
  const read = ipfs.stats().blocksRead
  expect(read - before).toBeLessThanOrEqual(6)
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
  expect(ipfs.stats().blocksRead).toBe(read)
})

it('aborted in the middle rejects with the reason, untouched', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, content, { chunkBytes: 10 })
  const abort = new AbortController()
  const reason = new Error('enough')
  const { body } = await ipfs.files.cat(cid.toString(), { signal: abort.signal })
  const reading = async () => {
    for await (const _ of body) abort.abort(reason)
  }
  expect(await rejection(reading())).toBe(reason)
  expect(await rejection(ipfs.files.cat(cid.toString(), { signal: abort.signal }))).toBe(reason)
})

it('refuses a folder and a node that is no file', async () => {
  const { ipfs } = await opened()
  const { cid } = await added(ipfs, [{ path: 'd/a', content: bytesOf('a') }])
  expect(await rejection(ipfs.files.cat(cid.toString()))).toMatchObject({ code: 'IPFS_NOT_A_FILE' })
  const node = await ipfs.dag.put({ a: 1 })
  expect(await rejection(ipfs.files.cat(node.toString()))).toMatchObject({ code: 'IPFS_NOT_A_FILE' })
  expect(await rejection(ipfs.files.cat(`${node}/a`))).toMatchObject({ code: 'IPFS_NOT_A_FILE' })
})
