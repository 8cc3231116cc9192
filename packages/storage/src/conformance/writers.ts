/** Cases about many who write and read one key at once. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { StorageBackend } from '../backend.ts'
import { chunked } from './bodies.ts'
import { assertCode, assertShows, collect, put, read } from './ground.ts'
import type { ConformanceCase, Ground } from './ground.ts'

/** Runs only where the value of a key can change; elsewhere many put the same. */
function changing(run: (ground: Ground) => Promise<void>): (ground: Ground) => Promise<void> {
  return async (ground) => {
    const { backend } = ground
    const bytes = randomBytes(1000)
    const key = await ground.key('many', bytes)
    if (!backend.supports.write) {
      await assertCode(backend.put(key, bytes), 'STORAGE_NOT_SUPPORTED')
      return
    }
    if (backend.supports.keys === 'any') return run(ground)
    await Promise.all(Array.from({ length: 8 }, () => backend.put(key, bytes)))
    await assertShows(ground, key, bytes)
  }
}

const puts = 6

export const writerCases: readonly ConformanceCase[] = [
  {
    title: 'who reads while many write sees one of the values, whole',
    run: changing(async (ground) => {
      const { backend } = ground
      const values = Array.from({ length: 5 }, (_, at) => Buffer.alloc(50_000 + at * 1000, at + 1))
      const key = await put(ground, 'writers', values[0]!)
      const write = async (value: Buffer): Promise<void> => {
        for (let times = 0; times < puts; times += 1) await backend.put(key, chunked(value, 10_000))
      }
      const look = async (): Promise<void> => {
        for (let times = 0; times < puts * 2; times += 1) {
          const found = await backend.get(key)
          assert.ok(found, 'there is a value all the time')
          const bytes = await collect(found.body)
          assert.equal(found.size, bytes.length, 'the size is that of the body')
          assert.ok(
            values.some((value) => value.equals(bytes)),
            'the bytes are those of no put',
          )
        }
      }
      await Promise.all([...values.map(write), look(), look()])
      const last = await read(backend, key)
      assert.ok(
        values.some((value) => value.equals(last)),
        'the last value is that of no put',
      )
    }),
  },
  {
    title: 'of many who change a value by ifVersion nobody loses a change',
    run: changing(async (ground) => {
      const { backend } = ground
      if (!backend.supports.conditionalReplace) {
        const key = await put(ground, 'count', randomBytes(3))
        await assertCode(backend.put(key, randomBytes(3), { ifVersion: 'any' }), 'STORAGE_NOT_SUPPORTED')
        return
      }
      const key = await put(ground, 'count', Buffer.from('0'))
      await Promise.all(Array.from({ length: 4 }, () => countUp(backend, key, puts)))
      assert.equal((await read(backend, key)).toString(), `${4 * puts}`)
    }),
  },
]

/** Adds 1 to the number in an object again and again, each time after somebody else has not come between. */
async function countUp(backend: StorageBackend, key: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const found = await backend.get(key)
    assert.ok(found?.version)
    const count = Number((await collect(found.body)).toString())
    try {
      await backend.put(key, Buffer.from(`${count + 1}`), { ifVersion: found.version })
      done += 1
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'STORAGE_CONFLICT')) throw error
    }
  }
}
