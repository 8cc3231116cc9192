/** Cases about opening, writing, reading, cutting and taking room. */
import assert from 'node:assert/strict'
import { checkpoint } from '@ipfs-kit/concurrency'
import { assertRefused, assertSame, contentOf, pattern } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

export const fileCases: readonly ConformanceCase[] = [
  {
    title: 'the modes of opening make a file or do not, as they say',
    run: async ({ disk, at, put, using, names }) => {
      for (const mode of ['read', 'write'] as const) {
        await assertRefused(disk.open(at('absent'), mode), 'DISK_NOT_FOUND')
      }
      assert.deepEqual(await names(), [])
      await using('new', async (file) => assert.equal(await file.size(), 0), 'create-new')
      await put('there', pattern(10))
      await assertRefused(disk.open(at('there'), 'create-new'), 'DISK_EXISTS')
      for (const mode of ['create', 'read', 'write'] as const) {
        await using('there', async (file) => assertSame(await contentOf(file), pattern(10)), mode)
      }
      assert.deepEqual(await names(), ['new', 'there'])
    },
  },
  {
    title: 'a file has the path it was opened with',
    run: async ({ at, using }) => {
      await using('named', async (file) => assert.equal(file.path, at('named')))
    },
  },
  {
    title: 'a file that is open to read cannot be changed',
    run: async ({ put, using, bytesOf }) => {
      await put('fixed', pattern(100))
      await using(
        'fixed',
        async (file) => {
          await assertRefused(file.write([pattern(10, 1)], 0), 'DISK_FAILED', 'DISK_DENIED')
          await assertRefused(
            // One that writes nothing is to be followed by `write`, which is refused.
            checkpoint().then(async () => {
              if (!file.writeNow([pattern(10, 1)], 0)) await file.write([pattern(10, 1)], 0)
            }),
            'DISK_FAILED',
            'DISK_DENIED',
          )
          await assertRefused(file.truncate(5), 'DISK_FAILED', 'DISK_DENIED')
          await assertRefused(file.preallocate(500), 'DISK_FAILED', 'DISK_DENIED')
        },
        'read',
      )
      assertSame(await bytesOf('fixed'), pattern(100))
    },
  },
  {
    title: 'what is written is read, at once and later, by this handle and by others',
    run: async ({ disk, at, using }) => {
      await using('shared', async (file) => {
        const other = await disk.open(at('shared'), 'read')
        try {
          await file.write([pattern(5000)], 0)
          assertSame(await contentOf(other), pattern(5000))
          await file.write([pattern(100, 9)], 4950)
          const into = new Uint8Array(100)
          assert.equal(await other.read(into, 4950), 100)
          assertSame(into, pattern(100, 9))
          assert.equal(await other.size(), 5050)
        } finally {
          await other.close()
        }
      })
    },
  },
  {
    title: 'reading ends at the end of the file and leaves the rest of the buffer',
    run: async ({ using }) => {
      await using('short', async (file) => {
        await file.write([pattern(1000)], 0)
        const into = new Uint8Array(1000).fill(0xee)
        assert.equal(await file.read(into, 990), 10)
        assertSame(into.subarray(0, 10), pattern(1000).subarray(990))
        assert.ok(into.subarray(10).every((byte) => byte === 0xee))
        assert.equal(await file.read(into, 1000), 0)
        assert.equal(await file.read(into, 10 ** 12), 0)
        assert.equal(await file.read(new Uint8Array(0), 0), 0)
      })
    },
  },
  {
    title: 'readNow reads the same or says that it does not',
    run: async ({ using }) => {
      await using('now', async (file) => {
        await file.write([pattern(10_000)], 0)
        let answered = 0
        for (let position = 0; position < 12_000; position += 100) {
          const into = new Uint8Array(300)
          const expected = pattern(10_000).subarray(position, position + 300)
          const length = file.readNow(into, position)
          if (length === undefined) continue
          answered += 1
          assert.equal(length, expected.byteLength)
          assertSame(into.subarray(0, length), expected)
        }
        assert.ok(answered <= 120)
      })
    },
  },
  {
    title: 'writeNow writes all of it, or nothing and says so',
    run: async ({ using }) => {
      await using('now', async (file) => {
        const expected = Buffer.alloc(12_000)
        for (let round = 0; round < 100; round += 1) {
          const [first, second] = [pattern(70, round), pattern(round * 3, 200 - round)]
          const position = (round * 1117) % 11_000
          const written = file.writeNow([first, new Uint8Array(0), second], position)
          if (written) expected.set(Buffer.concat([first, second]), position)
          const into = new Uint8Array(12_000)
          await file.read(into, 0)
          assertSame(into, expected)
        }
      })
    },
  },
  {
    title: 'a gap that is written over reads as zeros',
    run: async ({ using }) => {
      await using('gap', async (file) => {
        await file.write([pattern(10)], 0)
        await file.write([pattern(10, 1)], 100_000)
        const bytes = await contentOf(file)
        assert.equal(bytes.byteLength, 100_010)
        assert.ok(bytes.subarray(10, 100_000).every((byte) => byte === 0))
        assertSame(bytes.subarray(100_000), pattern(10, 1))
      })
    },
  },
  {
    title: 'truncate cuts, and extends with zeros where there was something before',
    run: async ({ using }) => {
      await using('cut', async (file) => {
        await file.write([pattern(10_000)], 0)
        await file.truncate(5001)
        assertSame(await contentOf(file), pattern(10_000).subarray(0, 5001))
        await file.truncate(9000)
        const bytes = await contentOf(file)
        assert.equal(bytes.byteLength, 9000)
        assertSame(bytes.subarray(0, 5001), pattern(10_000).subarray(0, 5001))
        assert.ok(bytes.subarray(5001).every((byte) => byte === 0))
        await file.truncate(0)
        assert.equal(await file.size(), 0)
      })
    },
  },
  {
    title: 'preallocate extends with zeros, keeps what is there and never shortens',
    run: async ({ using }) => {
      await using('room', async (file) => {
        await file.write([pattern(777)], 0)
        await file.preallocate(1_500_000)
        const bytes = await contentOf(file)
        assert.equal(bytes.byteLength, 1_500_000)
        assertSame(bytes.subarray(0, 777), pattern(777))
        assert.ok(bytes.subarray(777).every((byte) => byte === 0))
        await file.preallocate(1000)
        await file.preallocate(0)
        assert.equal(await file.size(), 1_500_000)
        await file.write([pattern(50, 3)], 1_499_990)
        assert.equal(await file.size(), 1_500_040)
      })
    },
  },
  {
    title: 'what is no position, size or buffer is refused, and changes nothing',
    run: async ({ disk, at, using }) => {
      await using('checked', async (file) => {
        await file.write([pattern(10)], 0)
        for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53, '1', null, undefined]) {
          const number = wrong as number
          await assert.rejects(file.write([pattern(1)], number), RangeError)
          assert.throws(() => file.writeNow([pattern(1)], number), RangeError)
          await assert.rejects(file.read(new Uint8Array(1), number), RangeError)
          assert.throws(() => file.readNow(new Uint8Array(1), number), RangeError)
          await assert.rejects(file.truncate(number), RangeError)
          await assert.rejects(file.preallocate(number), RangeError)
        }
        await assert.rejects(file.write([pattern(1)], Number.MAX_SAFE_INTEGER), RangeError)
        for (const wrong of ['text', [1], null, undefined, new ArrayBuffer(1)]) {
          const buffer = wrong as unknown as Uint8Array
          await assert.rejects(file.write([pattern(1), buffer], 0), TypeError)
          assert.throws(() => file.writeNow([pattern(1), buffer], 0), TypeError)
          await assert.rejects(file.read(buffer, 0), TypeError)
          assert.throws(() => file.readNow(buffer, 0), TypeError)
        }
        await assert.rejects(file.write(pattern(1) as unknown as Uint8Array[], 0), TypeError)
        assertSame(await contentOf(file), pattern(10))
      })
      await assert.rejects(disk.open(at('checked'), 'append' as 'read'), TypeError)
    },
  },
  {
    title: 'a folder cannot be opened as a file',
    run: async ({ disk, at }) => {
      await disk.makeFolder(at('folder'))
      for (const mode of ['read', 'write', 'create'] as const) {
        await assertRefused(disk.open(at('folder'), mode), 'DISK_FAILED', 'DISK_DENIED')
      }
      await assertRefused(disk.open(at('folder'), 'create-new'), 'DISK_EXISTS')
    },
  },
]
