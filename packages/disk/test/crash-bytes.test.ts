import { bytesAt, filled, freshDisk, syncedFile } from './ground.ts'
import { describe, expect, test } from 'vitest'

const sector = 512
const seeds = Array.from({ length: 400 }, (_, seed) => seed)

/** What the sectors of a file are like, one letter each: the value if it has one, `?` if it has several. */
function lettersOf(bytes: Uint8Array, values: Readonly<Record<number, string>>): string {
  let letters = ''
  for (let at = 0; at < bytes.byteLength; at += sector) {
    const part = bytes.subarray(at, at + sector)
    const first = part[0]!
    letters += part.every((byte) => byte === first) ? (values[first] ?? '?') : '?'
  }
  return letters
}

/** The letters of a file of eight sectors, synced as 1, that was overwritten twice, by 2 and by 3, when the power went. */
async function overwritten(seed: number, tearing = 0): Promise<string> {
  const disk = await freshDisk(seed, { tearing })
  const file = await syncedFile(disk, '/f/x', filled(8 * sector, 1))
  await file.write([filled(8 * sector, 2)], 0)
  await file.write([filled(8 * sector, 3)], 0)
  const after = await bytesAt(disk.crash(), '/f/x')
  return lettersOf(after!, { 1: 'a', 2: 'b', 3: 'c' })
}

describe('a crash', () => {
  test('drops, keeps and mixes unsynced sectors, in any order, and each has the bytes of one moment', async () => {
    const found = new Map<string, number>()
    for (const seed of seeds) {
      const letters = await overwritten(seed)
      found.set(letters, (found.get(letters) ?? 0) + 1)
    }
    const kinds = [...found.keys()]
    expect(kinds.every((letters) => /^[abc]{8}$/.test(letters))).toBe(true)
    expect(found.get('aaaaaaaa')).toBeGreaterThan(10)
    expect(found.get('bbbbbbbb')).toBeGreaterThan(5)
    expect(found.get('cccccccc')).toBeGreaterThan(10)
    // Later ones without earlier ones, before and behind.
    expect(kinds.some((letters) => /a.*c/.test(letters))).toBe(true)
    expect(kinds.some((letters) => /c.*a/.test(letters))).toBe(true)
    expect(kinds.some((letters) => /[ac]b|b[ac]/.test(letters))).toBe(true)
    expect(kinds.length).toBeGreaterThan(40)
  })

  test('tears sectors as often as it is told', async () => {
    let torn = 0
    for (const seed of seeds) torn += (await overwritten(seed, 1)).split('?').length - 1
    expect(torn).toBeGreaterThan(200)
  })

  test('tears into the beginning of the new, its end, or noise', async () => {
    const kinds = { beginning: 0, end: 0, noise: 0 }
    for (const seed of seeds) {
      const disk = await freshDisk(seed, { tearing: 1 })
      const file = await syncedFile(disk, '/f/x', filled(sector, 1))
      await file.write([filled(sector, 2)], 0)
      const after = Buffer.from((await bytesAt(disk.crash(), '/f/x'))!)
        .toString('latin1')
        .replaceAll('\x01', 'a')
        .replaceAll('\x02', 'b')
      if (/^b+a+$/.test(after)) kinds.beginning += 1
      else if (/^a+b+$/.test(after)) kinds.end += 1
      else if (!/^(a+|b+)$/.test(after)) kinds.noise += 1
    }
    expect(Math.min(kinds.beginning, kinds.end, kinds.noise)).toBeGreaterThan(20)
  })

  test('never changes what was synced, not even in a sector that is torn', async () => {
    for (const seed of seeds) {
      const disk = await freshDisk(seed, { tearing: 1 })
      const file = await syncedFile(disk, '/f/x', filled(1000, 1))
      for (let at = 1000; at < 3000; at += 100) await file.write([filled(100, 2)], at)
      const after = (await bytesAt(disk.crash(), '/f/x'))!
      expect(after.byteLength).toBeGreaterThanOrEqual(1000)
      expect(after.subarray(0, 1000).every((byte) => byte === 1)).toBe(true)
    }
  })

  test('extends a file or does not, with zeros where bytes are missing', async () => {
    const sizes = new Map<number, number>()
    let gaps = 0
    for (const seed of seeds) {
      const disk = await freshDisk(seed, { tearing: 0 })
      const file = await syncedFile(disk, '/f/x', filled(sector, 1))
      for (let one = 1; one < 9; one += 1) await file.write([filled(sector, 2)], one * sector)
      const after = (await bytesAt(disk.crash(), '/f/x'))!
      const letters = lettersOf(after, { 0: '-', 1: 'a', 2: 'b' })
      expect(letters).toMatch(/^a[-b]*$/)
      sizes.set(letters.length, (sizes.get(letters.length) ?? 0) + 1)
      if (/-b/.test(letters)) gaps += 1
    }
    expect(sizes.get(1)).toBeGreaterThan(20)
    expect(sizes.get(9)).toBeGreaterThan(100)
    expect(sizes.size).toBe(9)
    expect(gaps).toBeGreaterThan(40)
  })

  test('keeps a cut or undoes it, and what is written after it does not bring the old end back as new', async () => {
    const found = new Set<string>()
    for (const seed of seeds) {
      const disk = await freshDisk(seed, { tearing: 0 })
      const file = await syncedFile(disk, '/f/x', filled(4 * sector, 1))
      await file.truncate(sector)
      await file.write([filled(sector, 2)], sector)
      found.add(lettersOf((await bytesAt(disk.crash(), '/f/x'))!, { 0: '-', 1: 'a', 2: 'b' }))
    }
    expect([...found].sort()).toEqual(['a', 'a-', 'aaaa', 'ab', 'abaa'].sort())
  })

  test('loses nothing when everything was synced', async () => {
    for (const seed of seeds.slice(0, 50)) {
      const disk = await freshDisk(seed, { tearing: 1 })
      const file = await syncedFile(disk, '/f/x', filled(3000, 1))
      await file.write([filled(100, 2)], 5000)
      await file.truncate(5050)
      await file.preallocate(9000)
      await file.sync()
      const before = await bytesAt(disk, '/f/x')
      const after = disk.crash()
      expect(await bytesAt(after, '/f/x')).toEqual(before)
      expect(after.stats().usedBytes).toBe(disk.stats().usedBytes)
      expect(after.stats().powerLoss).toMatchObject({ sectorsDropped: 0, sectorsTorn: 0, entriesDropped: 0 })
    }
  })

  test('counts what became of the sectors', async () => {
    const sum = { sectorsKept: 0, sectorsDropped: 0, sectorsTorn: 0 }
    for (const seed of seeds.slice(0, 100)) {
      const disk = await freshDisk(seed, { tearing: 0.5 })
      const file = await syncedFile(disk, '/f/x', filled(1, 1))
      await file.write([filled(10 * sector, 2)], 0)
      const { powerLoss } = disk.crash().stats()
      for (const name of ['sectorsKept', 'sectorsDropped', 'sectorsTorn'] as const) {
        sum[name] += powerLoss[name]
      }
    }
    expect(Math.min(...Object.values(sum))).toBeGreaterThan(50)
  })
})

test('the same seed crashes in the same way', async () => {
  for (const seed of seeds.slice(0, 20)) {
    expect(await overwritten(seed, 0.3)).toBe(await overwritten(seed, 0.3))
  }
})

test('what one crash left is what the next one begins with', async () => {
  for (const seed of seeds.slice(0, 100)) {
    const disk = await freshDisk(seed)
    const file = await syncedFile(disk, '/f/x', filled(2000, 1))
    await file.write([filled(2000, 2)], 0)
    const second = disk.crash()
    const found = await bytesAt(second, '/f/x')
    expect(await bytesAt(second.crash(), '/f/x')).toEqual(found)
  }
})
