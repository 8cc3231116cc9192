import { afterEach, expect, it, vi } from 'vitest'
import { added, opened, pattern } from './opened.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

it('has few chunks of many large files in memory at once', async () => {
  const { ipfs } = await opened()
  const chunkBytes = 4096
  const sizes = [...Array.from({ length: 64 }, () => 30), ...Array.from({ length: 300 }, () => 1.1)]
  const files = sizes.map((size, at) => ({
    path: `${at}`,
    content: pattern(Math.ceil(size * chunkBytes), at),
  }))
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
  const { summary } = await added(ipfs, files, { chunkBytes })
  expect(summary).toMatchObject({ items: 364, failed: 0 })
  expect(chunks).toBeGreaterThan(0)
  // Those of 8 files that wait to be hashed or written, and 128 that are being written.
  expect(chunks).toBeLessThanOrEqual(8 * 10 + 128)
})
