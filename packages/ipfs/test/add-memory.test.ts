import { EntryReadError } from '@ipfs-kit/operations'
import { afterEach, expect, it, vi } from 'vitest'
import { added, failing, opened, pattern } from './opened.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Counts the chunks of a size for which memory is made. */
function countChunks(chunkBytes: number): () => number {
  let chunks = 0
  vi.stubGlobal(
    'SharedArrayBuffer',
    class extends SharedArrayBuffer {
      constructor(byteLength: number) {
        super(byteLength)
        if (byteLength === chunkBytes) chunks += 1
      }
    },
  )
  return () => chunks
}

it('has few chunks of many large files in memory at once', async () => {
  const { ipfs } = await opened()
  const chunkBytes = 4096
  const sizes = [...Array.from({ length: 64 }, () => 30), ...Array.from({ length: 300 }, () => 1.1)]
  const files = sizes.map((size, at) => ({
    path: `${at}`,
    content: pattern(Math.ceil(size * chunkBytes), at),
  }))
  const chunks = countChunks(chunkBytes)
  const { summary } = await added(ipfs, files, { chunkBytes })
  expect(summary).toMatchObject({ items: 364, failed: 0 })
  expect(chunks()).toBeGreaterThan(0)
  // Those of 8 files that wait to be hashed or written, and 128 that are being written.
  expect(chunks()).toBeLessThanOrEqual(8 * 10 + 128)
})

it('takes the memory of files that cannot be read to their ends for those that follow', async () => {
  const { ipfs } = await opened()
  const chunkBytes = 4096
  // Less than two chunks each, so that none of them is written.
  const files = Array.from({ length: 300 }, (_, at) => ({
    path: `${at}`,
    content: failing(new EntryReadError('ENTRY_GONE', 'It has gone'), pattern(20 * at, at)),
  }))
  const chunks = countChunks(chunkBytes)
  const { failures } = await added(ipfs, [...files, { path: 'whole', content: pattern(10) }], { chunkBytes })
  expect(failures).toHaveLength(300)
  expect(chunks()).toBe(2)
})
