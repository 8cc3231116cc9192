/** Cases about writing many buffers, large and small, and about calls that run side by side. */
import assert from 'node:assert/strict'
import { taskGroup } from '@ipfs-kit/concurrency'
import { assertSame, contentOf, pattern } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

export const appendCases: readonly ConformanceCase[] = [
  {
    title: 'buffers of one write come one after the other, empty ones too',
    run: async ({ using }) => {
      await using('joined', async (file) => {
        const none = new Uint8Array(0)
        await file.write([none, pattern(10, 1), none, pattern(5000, 2), pattern(1, 3), none], 7)
        const bytes = await contentOf(file)
        const expected = Buffer.concat([new Uint8Array(7), pattern(10, 1), pattern(5000, 2), pattern(1, 3)])
        assertSame(bytes, expected)
      })
    },
  },
  {
    title: 'a write of nothing changes nothing, not even past the end',
    run: async ({ using }) => {
      await using('nothing', async (file) => {
        await file.write([], 0)
        await file.write([new Uint8Array(0)], 1000)
        assert.equal(await file.size(), 0)
      })
    },
  },
  {
    title: 'more buffers than one call of a system takes are all written',
    run: async ({ using }) => {
      await using('many', async (file) => {
        const buffers = Array.from({ length: 2500 }, (_, index) => pattern((index % 7) + 1, index))
        await file.write(buffers, 3)
        const bytes = await contentOf(file)
        assertSame(bytes.subarray(3), Buffer.concat(buffers))
        // At once as well, wherever that is what the disk does.
        const others = Array.from({ length: 2500 }, (_, index) => pattern((index % 5) + 1, index))
        if (!file.writeNow(others, 50_000)) await file.write(others, 50_000)
        assertSame((await contentOf(file)).subarray(50_000), Buffer.concat(others))
      })
    },
  },
  {
    title: 'parts of larger memory are written and read in place',
    run: async ({ using }) => {
      await using('parts', async (file) => {
        const memory = pattern(1000)
        await file.write([memory.subarray(100, 200), Buffer.from(memory.buffer, 500, 50)], 0)
        const into = new Uint8Array(1000).fill(0xee)
        assert.equal(await file.read(into.subarray(300, 600), 0), 150)
        assertSame(into.subarray(300, 400), memory.subarray(100, 200))
        assertSame(into.subarray(400, 450), memory.subarray(500, 550))
        assert.ok([...into.subarray(0, 300), ...into.subarray(450)].every((byte) => byte === 0xee))
      })
    },
  },
  {
    title: 'buffers may be used again when the write has resolved',
    run: async ({ using }) => {
      await using('reused', async (file) => {
        const buffer = new Uint8Array(1000)
        for (let round = 0; round < 5; round += 1) {
          buffer.set(pattern(1000, round))
          await file.write([buffer], round * 1000)
        }
        buffer.fill(0)
        await file.sync()
        const bytes = await contentOf(file)
        for (let round = 0; round < 5; round += 1) {
          assertSame(bytes.subarray(round * 1000, (round + 1) * 1000), pattern(1000, round))
        }
      })
    },
  },
  {
    title: 'a value of some megabytes is written and read whole',
    run: async ({ using }) => {
      await using('large', async (file) => {
        const value = pattern(3_000_001)
        await file.write([value], 12_345)
        const into = new Uint8Array(value.byteLength)
        assert.equal(await file.read(into, 12_345), value.byteLength)
        assertSame(into, value)
      })
    },
  },
  {
    title: 'writes, reads and syncs run side by side',
    run: async ({ using }) => {
      await using('crowd', async (file) => {
        await file.write([pattern(16_000)], 0)
        await taskGroup((group) => {
          for (let one = 0; one < 16; one += 1) {
            group.spawn(async () => {
              const into = new Uint8Array(1000)
              assert.equal(await file.read(into, one * 1000), 1000)
              assertSame(into, pattern(16_000).subarray(one * 1000, (one + 1) * 1000))
              await file.write([pattern(1000, one)], one * 1000)
              if (one % 4 === 0) await file.sync()
              assert.equal(await file.read(into, one * 1000), 1000)
              assertSame(into, pattern(1000, one))
            })
          }
        })
        const bytes = await contentOf(file)
        for (let one = 0; one < 16; one += 1) {
          assertSame(bytes.subarray(one * 1000, (one + 1) * 1000), pattern(1000, one))
        }
      })
    },
  },
]
