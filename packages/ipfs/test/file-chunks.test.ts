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

it('copies nothing where a piece holds whole chunks', async () => {
  const content = pattern(100)
  const chunks = await all(chunksOf(pieces(content, [100].values()), 40, new ChunkBuffers(40)))
  expect(chunks.map((chunk) => chunk.buffer === content.buffer)).toEqual([true, true, true])
})

it('gives one empty chunk for a stream of nothing', async () => {
  const chunks = await all(chunksOf(pieces(new Uint8Array(), [].values()), 40, new ChunkBuffers(40)))
  expect(chunks.map((chunk) => chunk.byteLength)).toEqual([0])
})
