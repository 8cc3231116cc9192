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

  test('loses no file that was moved out of a folder before that was removed or replaced', async () => {
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      await disk.makeFolder('/f/d')
      await syncedFile(disk, '/f/d/x', filled(10, 1))
      await disk.rename('/f/d/x', '/f/y')
      if (seed % 2 === 0) await disk.removeFolder('/f/d')
      else {
        await disk.makeFolder('/f/e')
        await disk.rename('/f/e', '/f/d')
      }
      if (seed % 3 === 0) await disk.syncFolder('/f')
      const after = disk.crash()
      const found = [await bytesAt(after, '/f/d/x'), await bytesAt(after, '/f/y')]
      expect(found, `seed ${seed}`).toContainEqual(filled(10, 1))
    }
  })

  test('loses no file that was moved into a folder whose own name is not synced', async () => {
    let tried = 0
    for (const seed of seeds) {
      const first = await freshDisk(seed)
      await syncedFile(first, '/f/x', filled(10, 1))
      const making = first.makeFolder('/f/d').catch(() => undefined)
      for (let turn = 0; turn < seed % 13; turn += 1) await Promise.resolve()
      const disk = first.kill()
      await making
      if ((await disk.stat('/f/d')) === undefined) continue
      tried += 1
      await disk.rename('/f/x', '/f/d/x')
      if (seed % 2 === 0) {
        // Both folders of the rename, of which one has no synced name: its own comes along.
        await disk.syncFolder('/f/d')
        disk.failAt('syncFolder', 1)
        await disk.syncFolder('/f').catch(() => undefined)
        await disk.rename('/f/d/x', '/f/d/y')
        await disk.syncFolder('/f/d')
      }
      const after = disk.crash()
      const found = await Promise.all(['/f/x', '/f/d/x', '/f/d/y'].map((path) => bytesAt(after, path)))
      expect(found, `seed ${seed}`).toContainEqual(filled(10, 1))
    }
    expect(tried).toBeGreaterThan(50)
  })

  test('leaves what makeFolder made, without another sync', async () => {
    for (const seed of seeds.slice(0, 50)) {
      const disk = await freshDisk(seed)
      await disk.makeFolder('/f/a/b')
      expect((await disk.crash().stat('/f/a/b'))?.kind).toBe('folder')
    }
  })

  test('in the middle of makeFolder leaves the highest of the folders, none or all', async () => {
    const found = new Set<number>()
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      disk.crashAt('any', 1 + (seed % 8))
      await disk.makeFolder('/f/a/b/c').catch(() => undefined)
      const after = disk.crash()
      const there = await Promise.all(['/f/a', '/f/a/b', '/f/a/b/c'].map((path) => after.stat(path)))
      found.add(there.filter((stat) => stat !== undefined).length)
    }
    expect(found).toEqual(new Set([0, 1, 2, 3]))
  })

  test('leaves what makeFolder found, though whoever made it died or failed before its name was synced', async () => {
    for (const seed of seeds) {
      let disk = await freshDisk(seed)
      if (seed % 2 === 0) {
        disk.failAt('syncFolder', 2 + (seed % 3))
        await expect(disk.makeFolder('/f/a/b/c')).rejects.toMatchObject({ code: 'DISK_IO' })
      } else {
        // Between the making of a folder and the sync of its name.
        const dying = disk
        const making = disk.makeFolder('/f/a/b/c').catch(() => undefined)
        for (let turn = 0; turn < seed % 13; turn += 1) await Promise.resolve()
        disk = dying.kill()
        await making
      }
      await disk.makeFolder('/f/a/b/c')
      expect((await disk.crash().stat('/f/a/b/c'))?.kind, `seed ${seed}`).toBe('folder')
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
