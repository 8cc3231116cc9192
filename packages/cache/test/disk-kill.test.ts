import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDiskCache } from '@ipfs-kit/cache/disk'
import { killAfter } from '@ipfs-kit/disk/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytesOf, codeOf } from './disk-ground.ts'

const child = fileURLToPath(new URL('./disk-kill/child.ts', import.meta.url))
const maxBytes = 16 * 1024 * 1024
let path: string

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'disk-cache-'))
})
afterAll(() => rm(path, { recursive: true }))

/** Lets a process work on the cache until it has said so many lines, and kills it. What it said. */
function killUser(lines: number, start: number, atLine?: () => Promise<void>): Promise<string[]> {
  return killAfter(['--conditions=@ipfs-kit/source', child, path, `${start}`], lines, atLine)
}

/** Numbers of the values that keys may have: what was answered last, or what was asked after that. */
function follow(may: Map<string, (number | undefined)[]>, said: readonly string[]): void {
  for (const line of said) {
    const [, sign, key, number] = /^([+-]+) (key \d+) ?(\d+)?$/.exec(line) ?? []
    if (sign === undefined || key === undefined) continue
    const value = number === undefined ? undefined : Number(number)
    may.set(key, sign.length === 2 ? [value] : [...(may.get(key) ?? [undefined]), value])
  }
}

test('everything that was answered is there after kill -9, and nothing else', async () => {
  const may = new Map<string, (number | undefined)[]>()
  for (let round = 0; round < 4; round += 1) {
    follow(may, await killUser(20 + Math.floor(Math.random() * 200), round * 1000 + 1))
    await using cache = await openDiskCache({ path, maxBytes, minFreeBytes: 0 })
    for (const [key, numbers] of may) {
      const found = await cache.getBytes(key)
      const number = numbers.find((one) =>
        one === undefined || found === undefined
          ? one === found
          : Buffer.compare(bytesOf(one, (one * 7919) % 100_000), found) === 0,
      )
      if (found !== undefined && number === undefined) throw new Error(`${key} has what it cannot have`)
      if (found === undefined) expect(numbers).toContain(undefined)
      may.set(key, [number])
    }
  }
})

test('a second process is refused while the first is there, and let in when that is killed', async () => {
  await killUser(2, 10_000, async () => {
    expect(await codeOf(openDiskCache({ path, maxBytes }))).toBe('CACHE_LOCKED')
  })
  await using cache = await openDiskCache({ path, maxBytes })
  expect(cache.stats().entries).toBeGreaterThan(0)
})
