import { afterEach, expect, it, vi } from 'vitest'
import { added, opened, pattern } from './opened.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

it('has few chunks of many large files in memory at once', async () => {
  const { ipfs } = await opened()
  const chunkBytes = 4096
  const files = Array.from({ length: 64 }, (_, at) => ({
    path: `${at}`,
    content: pattern(30 * chunkBytes, at),
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
  expect(summary).toMatchObject({ bytes: 64 * 30 * chunkBytes, failed: 0 })
  expect(chunks).toBeGreaterThan(0)
  // Those of 8 files that wait to be hashed or written, and 128 that are being written.
  expect(chunks).toBeLessThanOrEqual(8 * 10 + 128)
})
