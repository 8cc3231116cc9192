import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ChunkBuffers } from '../src/chunk-buffers.ts'
import { chunksOf } from '../src/file-chunks.ts'
import { all, pattern } from './opened.ts'

async function* pieces(bytes: Uint8Array, sizes: Iterator<number>) {
  for (let at = 0; at < bytes.length;) {
    const size = sizes.next().value as number
    yield bytes.subarray(at, at + size)
    at += size
  }
}

it('cuts a stream into chunks of one size, however its pieces fall', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 1000 }),
      fc.integer({ min: 1, max: 120 }),
      fc.infiniteStream(fc.oneof(fc.constantFrom(0, 1), fc.nat({ max: 300 }))),
      async (length, chunkBytes, sizes) => {
        const content = pattern(length)
        const chunks = await all(chunksOf(pieces(content, sizes), chunkBytes, new ChunkBuffers(chunkBytes)))
        const cut = Array.from({ length: Math.max(1, Math.ceil(length / chunkBytes)) }, (_, at) =>
          content.subarray(at * chunkBytes, (at + 1) * chunkBytes),
        )
        expect(chunks.map((chunk) => Buffer.from(chunk))).toEqual(cut.map((chunk) => Buffer.from(chunk)))
      },
    ),
    { numRuns: 200 },
  )
})

it.each([100, 40, 33, 7, 1])(
  'takes a piece of %i bytes whose memory is used again for the next one',
  async (size) => {
    const content = pattern(400)
    async function* reused() {
      const memory = Buffer.alloc(size)
      for (let at = 0; at < content.length; at += size) {
        const bytes = memory.subarray(0, Math.min(size, content.length - at))
        bytes.set(content.subarray(at, at + bytes.length))
        yield bytes
      }
      memory.fill(0)
    }
    const chunks = await all(chunksOf(reused(), 40, new ChunkBuffers(40)))
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
  },
)

it('gives one empty chunk for a stream of nothing', async () => {
  const chunks = await all(chunksOf(pieces(new Uint8Array(), [].values()), 40, new ChunkBuffers(40)))
  expect(chunks.map((chunk) => chunk.byteLength)).toEqual([0])
})
