/** Cases about what tells one file, and its bytes, from another. */
import assert from 'node:assert/strict'
import { assertRefused, pattern } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

export const versionCases: readonly ConformanceCase[] = [
  {
    title: 'an open file tells what its path does, until another one is there',
    run: async ({ disk, at, put, using }) => {
      await put('file', pattern(100))
      await using('file', async (file) => {
        const told = await file.stat()
        assert.deepEqual({ ...(await disk.stat(at('file'))) }, { ...told })
        assert.deepEqual([told.kind, told.size], ['file', 100])
        await disk.rename(at('file'), at('moved'))
        assert.deepEqual({ ...(await disk.stat(at('moved'), { links: 'tell' })) }, { ...told })
        await put('other', pattern(100))
        await disk.rename(at('other'), at('moved'))
        assert.equal((await file.stat()).version, told.version)
        assert.notEqual((await disk.stat(at('moved')))?.version, told.version)
      })
    },
  },
  {
    title: 'another size, and another time, are another version',
    run: async ({ disk, at, using }) => {
      await using('file', async (file) => {
        const versions = new Set<string>()
        for (let size = 0; size < 5; size += 1) {
          await file.write([pattern(1)], size)
          versions.add((await file.stat()).version)
        }
        const ms = 1_700_000_000_123.25
        for (let step = 0; step < 5; step += 1) {
          await file.setModified(ms + step * 2000)
          const { modifiedMs, version } = await file.stat()
          assert.ok(Math.abs(modifiedMs - ms - step * 2000) < 2000, `the time is ${modifiedMs}`)
          versions.add(version)
        }
        assert.equal(versions.size, 10)
        assert.equal((await disk.stat(at('file')))?.version, [...versions].at(-1))
      })
    },
  },
  {
    title: 'what is no time, and no way to look at links, is refused',
    run: async ({ disk, at, using }) => {
      await using('file', async (file) => {
        const { version } = await file.stat()
        for (const wrong of [-1, NaN, Infinity, 1e16, '1', undefined]) {
          await assert.rejects(file.setModified(wrong as number), RangeError)
        }
        assert.equal((await file.stat()).version, version)
      })
      await assert.rejects(disk.stat(at('file'), { links: 'follows' as 'follow' }), TypeError)
      const closed = await disk.open(at('file'), 'read')
      await closed.close()
      await assertRefused(closed.stat(), 'DISK_CLOSED')
      await assertRefused(closed.setModified(1), 'DISK_CLOSED')
    },
  },
]
