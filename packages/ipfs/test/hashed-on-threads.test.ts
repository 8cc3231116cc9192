import { randomFillSync } from 'node:crypto'
import { digestOf } from '@ipfs-kit/blocks'
import { beforeAll, expect, it } from 'vitest'
import { added, addFile, opened, read } from './opened.ts'
import { peerRoot } from './peer.ts'

const content = randomFillSync(new Uint8Array(20 * 1_048_576 + 300_001))

/** Threads hash for a program that has much to hash: it goes on until they do. */
beforeAll(async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(1_048_576))
  while (!(digestOf(shared) instanceof Promise)) await new Promise(setImmediate)
})

/** Pieces that lie in one memory, which is used again for each. */
async function* pieces(size: number) {
  const memory = new Uint8Array(size)
  for (let at = 0; at < content.length; at += size) {
    const piece = content.subarray(at, at + size)
    memory.set(piece)
    yield memory.subarray(0, piece.length)
  }
  memory.fill(0)
}

it.each(['unixfs-v1-2025', 'unixfs-v0-2015'] as const)(
  'a large file of %s gets the CID that the importer gives it, and is read back, also by several at once',
  async (profile) => {
    const { ipfs } = await opened()
    const expected = await peerRoot([{ path: 'file', content }], { profile })
    const files = [pieces(65_536), pieces(3_000_001), content]
    const roots = await Promise.all(
      files.map(async (file) => (await added(ipfs, [{ path: 'file', content: file }], { profile })).cid),
    )
    expect(roots.map(String)).toEqual([expected, expected, expected])
    const copies = await Promise.all([1, 2, 3].map(() => read(ipfs, expected)))
    expect(copies.every((copy) => copy.equals(content))).toBe(true)
    // What the caller gave is still the caller's.
    expect(content.buffer.byteLength).toBe(content.length)
  },
)

it('an add that is left while its blocks are hashed holds nothing, and the next one works', async () => {
  const { ipfs } = await opened()
  const abort = new AbortController()
  async function* broken() {
    let sent = 0
    for await (const piece of pieces(65_536)) {
      yield piece
      if ((sent += 1) === 150) abort.abort(new Error('left'))
    }
  }
  const leaving = added(ipfs, [{ path: 'file', content: broken() }], { signal: abort.signal })
  await expect(leaving).rejects.toThrow('left')
  await ipfs.repo.gc()
  expect((await ipfs.repo.stat()).blocks).toBe(0)
  const cid = await addFile(ipfs, content)
  expect((await read(ipfs, cid)).equals(content)).toBe(true)
})

it('a reader that leaves while threads hash what was read ahead for it leaves nothing open', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, content)
  for (let round = 0; round < 20; round += 1) {
    const abort = new AbortController()
    const { body } = await ipfs.files.cat(cid.toString(), { signal: abort.signal })
    const reader = body[Symbol.asyncIterator]()
    await reader.next()
    if (round % 2 === 0) await reader.return!()
    else {
      abort.abort(new Error('left'))
      const rest = async (): Promise<void> => {
        while ((await reader.next()).done !== true);
      }
      await expect(rest()).rejects.toThrow('left')
    }
  }
  expect((await read(ipfs, cid)).equals(content)).toBe(true)
})
