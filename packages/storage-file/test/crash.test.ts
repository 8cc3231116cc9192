import { createHash } from 'node:crypto'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { type FileBackend, openFileBackend } from '@ipfs-kit/storage-file'
import { describe, expect, test } from 'vitest'
import { keysOf, openOnSim, pattern, read, root } from './ground.ts'

const [former, next] = [pattern(5000, 1), pattern(70_000, 2)]

/** A change of a key that has a former value, which is acknowledged or cut short by a crash. */
interface Change {
  readonly title: string
  readonly key: string
  readonly run: (backend: FileBackend) => Promise<unknown>
  /** The value that the key has when it is acknowledged. */
  readonly after: Buffer | undefined
}

const changes: readonly Change[] = [
  { title: 'a put', key: 'a/b', run: (backend) => backend.put('a/b', next), after: next },
  {
    title: 'a put of a key that is no path',
    key: '../a',
    run: (backend) => backend.put('../a', next),
    after: next,
  },
  { title: 'a delete', key: 'a/b', run: (backend) => backend.delete('a/b'), after: undefined },
  {
    title: 'a delete of a key that is no path',
    key: '../a',
    run: (backend) => backend.delete('../a'),
    after: undefined,
  },
]

/** A disk whose folder has a synced value of a key, and no open backend. */
async function withFormer(key: string, seed: number): Promise<SimDisk> {
  const { backend, disk } = await openOnSim({ seed })
  await backend.put(key, former)
  await backend.close()
  return disk
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** What a call fails with; undefined if it does not. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
    return undefined
  } catch (error) {
    return error
  }
}

function operationsOf(disk: SimDisk): number {
  return Object.values(disk.stats().operations).reduce((sum, one) => sum + one, 0)
}

describe.each(changes)('$title that is cut short', (change) => {
  test('by a power loss at any step leaves the former value or the new one, whole, and the new one if it was acknowledged', async () => {
    const found = { former: 0, after: 0, acknowledged: 0 }
    for (let seed = 0; seed < 25; seed += 1) {
      for (let nth = 1; ; nth += 1) {
        const disk = await withFormer(change.key, seed)
        const cut = await openFileBackend({ path: root, disk })
        disk.crashAt('any', nth)
        const acknowledged = (await outcomeOf(change.run(cut))) === undefined
        const isOver = !disk.dead
        const later = disk.crash()
        const backend = await openFileBackend({ path: root, disk: later })
        const value = await read(backend, change.key)
        const isAfter =
          change.after === undefined ? value === undefined : value?.equals(change.after) === true
        if (!isAfter) expect(value?.equals(former), `seed ${seed}, operation ${nth}`).toBe(true)
        if (acknowledged) expect(isAfter, `acknowledged, seed ${seed}, operation ${nth}`).toBe(true)
        expect(await keysOf(backend)).toEqual(value === undefined ? [] : [change.key])
        expect(await later.list(`${root}/.ipfs-kit/temporary`)).toEqual([])
        found[isAfter ? 'after' : 'former'] += 1
        found.acknowledged += Number(acknowledged)
        if (isOver) break
      }
    }
    expect(Math.min(found.former, found.after, found.acknowledged)).toBeGreaterThan(10)
  })

  test('by an error of the disk at any step leaves one of the two, and no file open', async () => {
    for (let nth = 1; ; nth += 1) {
      const disk = await withFormer(change.key, nth)
      const backend = await openFileBackend({ path: root, disk })
      const before = operationsOf(disk)
      disk.failAt('any', nth)
      const error = await outcomeOf(change.run(backend))
      const done = operationsOf(disk) - before
      // It was not reached: all went well.
      if (done < nth) return expect(error).toBeUndefined()
      if (error !== undefined) expect(error).toMatchObject({ name: 'StorageError', code: 'STORAGE_FAILED' })
      const value = await read(backend, change.key)
      const isAfter = change.after === undefined ? value === undefined : value?.equals(change.after) === true
      if (!isAfter) expect(value?.equals(former), `operation ${nth}`).toBe(true)
      if (error === undefined) expect(isAfter).toBe(true)
      // Whichever it is, its digest is known.
      expect((await backend.stat(change.key))?.sha256).toBe(value && sha256Of(value))
      expect(backend.stats()).toMatchObject({ calls: 0, readers: 0 })
      await backend.close()
      expect(disk.stats()).toMatchObject({ openFiles: 0, locks: 0 })
    }
  })
})

test('what a process that was killed had not completed is removed at the next opening', async () => {
  const disk = simDisk({ seed: 1 })
  const backend = await openFileBackend({ path: root, disk })
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield pattern(200_000)
    expect(await disk.list(`${root}/.ipfs-kit/temporary`)).toHaveLength(1)
    disk.kill()
    yield pattern(200_000)
  }
  await expect(backend.put('a', body())).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  const later = disk.kill()
  const again = await openFileBackend({ path: root, disk: later })
  expect(again.stats().leftovers).toBe(1)
  expect(await keysOf(again)).toEqual([])
  expect(later.stats().usedBytes).toBe(0)
})
