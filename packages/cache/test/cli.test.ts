/** The command as a real process, on the folder of a disk cache. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDiskCache } from '@ipfs-kit/cache/disk'
import { afterEach, beforeEach, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const node = ['--conditions=@ipfs-kit/source', script]
const maxBytes = 10_000_000
const day = 86_400_000

let path: string

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'cache-cli-'))
  await using cache = await openDiskCache({ path, maxBytes, minFreeBytes: 0 })
  await cache.put('a', Buffer.alloc(100), { mediaType: 'image/png', ttlMs: day })
  await cache.put('b', Buffer.alloc(200), { mediaType: 'text/plain' })
})

afterEach(() => rm(path, { recursive: true }))

function command(...args: string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...node, ...args], { cwd: path }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr })
    })
  })
}

test('stats tells what the cache holds, by media type and by age', async () => {
  const { code, stdout } = await command('stats', '--path', '.')
  expect(code).toBe(0)
  expect(stdout).toContain('disk-cache  2 values (300 bytes);')
  expect(stdout).toContain('  image/png: 1 values (100 bytes)\n  text/plain: 1 values (200 bytes)')
  expect(stdout).toContain('  minute: 2 values (300 bytes)')
  const json = JSON.parse((await command('stats', '--json', '--path', '.')).stdout)
  expect(json.tiers[0].usage).toMatchObject({ entries: 2, byMediaType: { 'image/png': { bytes: 100 } } })
})

test('explain tells what is known of a value, and of one that never was', async () => {
  const { tiers } = JSON.parse((await command('explain', 'a', '--json', '--path', '.')).stdout)
  const [tier] = tiers
  expect(tier).toMatchObject({ state: 'present', size: 100, mediaType: 'image/png' })
  expect(Date.parse(tier.expiresAt) - Date.parse(tier.storedAt)).toBe(day)
  const none = JSON.parse((await command('explain', 'never', '--json', '--path', '.')).stdout)
  expect(none).toMatchObject({ state: 'absent', heat: 0 })
})

test('clear empties the cache', async () => {
  const { stdout } = await command('clear', '--path', '.')
  expect(stdout).toContain('cleared disk-cache: 2 values (300 bytes)')
  await using cache = await openDiskCache({ path, maxBytes, minFreeBytes: 0 })
  expect(cache.stats().entries).toBe(0)
})

test('a cache of another name in the folder is another cache', async () => {
  const { stdout } = await command('stats', '--name', 'other', '--path', '.')
  expect(stdout).toContain('other  0 values (0 bytes);')
})

test('a folder without a cache, and one that is open elsewhere, are refused and not touched', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'cache-cli-none-'))
  expect(await command('stats', '--path', empty)).toMatchObject({
    stderr: expect.stringContaining('There is no disk cache'),
  })
  await rm(empty, { recursive: true })
  expect(await command('stats')).toMatchObject({ code: 2, stderr: expect.stringContaining('--path') })
  await using _ = await openDiskCache({ path, maxBytes, minFreeBytes: 0 })
  expect(await command('stats', '--path', '.')).toMatchObject({
    stderr: expect.stringContaining('CACHE_LOCKED'),
  })
})
