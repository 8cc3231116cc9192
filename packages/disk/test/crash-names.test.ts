import { describe, expect, test } from 'vitest'
import { bytesAt, filled, freshDisk, syncedFile } from './ground.ts'

const seeds = Array.from({ length: 300 }, (_, seed) => seed)

async function namesIn(disk: Awaited<ReturnType<typeof freshDisk>>, folder = '/f'): Promise<string> {
  return (await disk.list(folder))
    .map(({ name }) => name)
    .sort()
    .join(' ')
}

describe('a crash', () => {
  test('keeps or drops names that were made, each for itself', async () => {
    const found = new Map<string, number>()
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      for (const name of ['a', 'b', 'c']) await (await disk.open(`/f/${name}`, 'create')).sync()
      const names = await namesIn(disk.crash())
      found.set(names, (found.get(names) ?? 0) + 1)
    }
    for (const names of ['', 'a', 'b', 'c', 'a b', 'a c', 'b c', 'a b c'])
      expect(found.get(names)).toBeGreaterThan(0)
  })

  test('brings removed files back or does not, with their synced bytes', async () => {
    let back = 0
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      await (await syncedFile(disk, '/f/x', filled(5000, 1))).close()
      await disk.unlink('/f/x')
      const bytes = await bytesAt(disk.crash(), '/f/x')
      if (bytes === undefined) continue
      back += 1
      expect(bytes).toEqual(filled(5000, 1))
    }
    expect(back).toBeGreaterThan(50)
    expect(back).toBeLessThan(250)
  })

  test('never loses both names of a file that is renamed over another', async () => {
    const found = new Set<string>()
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      await syncedFile(disk, '/f/store', filled(10, 1))
      await syncedFile(disk, '/f/tmp', filled(10, 2))
      await disk.rename('/f/tmp', '/f/store')
      const after = disk.crash()
      const store = await bytesAt(after, '/f/store')
      expect(store).toBeDefined()
      const tmp = await bytesAt(after, '/f/tmp')
      found.add(`${store![0]} ${tmp?.[0]}`)
    }
    expect([...found].sort()).toEqual(['1 2', '2 undefined'])
  })

  test('loses neither of two files that take turns with one name', async () => {
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      await syncedFile(disk, '/f/a', filled(10, 1))
      await disk.rename('/f/a', '/f/b')
      await disk.open('/f/a', 'create-new')
      const after = disk.crash()
      const values = [await bytesAt(after, '/f/a'), await bytesAt(after, '/f/b')].map((bytes) => bytes?.[0])
      expect(values).toContain(1)
    }
  })

  test('does with a rename between folders what it does with one, until both are synced', async () => {
    const found = new Set<string>()
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      await disk.makeFolder('/g')
      await syncedFile(disk, '/f/x', filled(10, 1))
      await disk.rename('/f/x', '/g/x')
      await disk.syncFolder(seed % 2 === 0 ? '/f' : '/g')
      if (seed % 3 === 0) await disk.syncFolder(seed % 2 === 0 ? '/g' : '/f')
      const after = disk.crash()
      const there = `${(await namesIn(after, '/f')) || '-'} ${(await namesIn(after, '/g')) || '-'}`
      if (seed % 3 === 0) expect(there).toBe('- x')
      else found.add(there)
    }
    expect([...found].sort()).toEqual(['- x', 'x -'])
  })

  test('loses no name of a folder that was synced', async () => {
    for (const seed of seeds.slice(0, 50)) {
      const disk = await freshDisk(seed)
      await disk.open('/f/a', 'create')
      await disk.open('/f/b', 'create')
      await disk.rename('/f/b', '/f/c')
      await disk.unlink('/f/a')
      await disk.lock('/f/lock')
      await disk.makeFolder('/f/deep/er')
      await disk.syncFolder('/f')
      expect(await namesIn(disk.crash())).toBe('c deep lock')
    }
  })

  test('leaves what makeFolder made, without another sync', async () => {
    for (const seed of seeds.slice(0, 50)) {
      const disk = await freshDisk(seed)
      await disk.makeFolder('/f/a/b')
      expect((await disk.crash().stat('/f/a/b'))?.kind).toBe('folder')
    }
  })

  test('can leave an empty file of one whose name came and whose bytes did not', async () => {
    const sizes = new Set<number | undefined>()
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      await (await disk.open('/f/x', 'create')).write([filled(100, 1)], 0)
      sizes.add((await bytesAt(disk.crash(), '/f/x'))?.byteLength)
    }
    expect(sizes).toEqual(new Set([undefined, 0, 100]))
  })
})
