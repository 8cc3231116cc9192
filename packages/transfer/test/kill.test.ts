import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killAfter } from '@ipfs-kit/disk/testing'
import { readManifest } from '@ipfs-kit/transfer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytesOf, collect, contents, digests, fill } from './ground.ts'
import { folderBackend } from './kill/folder-backend.ts'

const child = fileURLToPath(new URL('kill/child.ts', import.meta.url))
const objects = Object.fromEntries(
  Array.from({ length: 60 }, (_, at) => [`set/${String(at).padStart(3, '0')}`, bytesOf(at, 20_000)]),
)
let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-transfer-'))
  await fill(await folderBackend(join(home, 'from'), 'from'), objects)
})
afterEach(() => rm(home, { recursive: true }))

/** Lets a process work until it has said so many lines, and kills it; or until the job has ended. What it said, in words. */
async function live(type: string, params: object, lines = Infinity): Promise<string[][]> {
  const args = [
    '--conditions=@ipfs-kit/source',
    child,
    home,
    `custom:transfer-${type}`,
    JSON.stringify(params),
  ]
  return (await killAfter(args, lines)).map((line) => line.split(' '))
}

const keysOf = (said: readonly string[][], word: string, store: string): string[] =>
  said.flatMap(([one, where, key = '']) => (one === word && where === store ? [key] : []))

test('a copy goes on after kill -9 and sends nothing twice that has arrived', async () => {
  const params = { from: 'from:set/', to: 'to:set/', bytesPerSecond: 800_000, concurrency: 3 }
  const said: string[][][] = []
  for (const lines of [12, 20]) said.push(await live('copy', params, lines))
  said.push(await live('copy', params))
  const ids = new Set(said.map((lines) => lines.find(([word]) => word === 'job')?.[1]))
  expect(ids.size).toBe(1)
  const sent = said.flatMap((lines) => keysOf(lines, 'put', 'to'))
  const twice = sent.filter((key, at) => sent.indexOf(key) !== at)
  expect(twice).toEqual([])
  const ended = said.at(-1)!.find(([word]) => word === 'ended')!
  expect(ended.slice(0, 3)).toEqual(['ended', 'completed', '3'])
  expect(JSON.parse(ended[3]!)).toMatchObject({ items: 60, failed: 0 })
  expect(await contents(await folderBackend(join(home, 'to'), 'to'))).toEqual(digests(objects))
})

test('a migration goes on after kill -9 at any object, and deletes nothing that is not proven', async () => {
  const params = {
    from: 'from:set/',
    to: 'to:',
    manifest: 'records:manifest.json',
    originals: 'remove',
    concurrency: 3,
  }
  const moved = Object.fromEntries(Object.entries(objects).map(([key, bytes]) => [key.slice(4), bytes]))
  let last: string[][] = []
  for (const lines of [10, 45, 30, Infinity]) {
    last = await live('migrate', params, lines)
    const [from, to] = [
      await contents(await folderBackend(join(home, 'from'), 'from')),
      await contents(await folderBackend(join(home, 'to'), 'to')),
    ]
    const left = Object.fromEntries(Object.entries(from).map(([key, digest]) => [key.slice(4), digest]))
    expect({ ...left, ...to }).toEqual(digests(moved))
    if (last.some(([word]) => word === 'ended')) break
  }
  const ended = last.find(([word]) => word === 'ended')!
  expect(ended[1]).toBe('completed')
  const { manifest } = JSON.parse(ended[3]!) as { manifest: { cid: string; entries: number } }
  expect(manifest.entries).toBe(60)
  const records = await folderBackend(join(home, 'records'), 'records')
  const written = readManifest(await collect((await records.get('manifest.json'))!.body), manifest.cid)
  expect(Object.fromEntries(written.entries.map(({ path, sha256 }) => [path, sha256]))).toEqual(
    digests(moved),
  )
  expect(written.copies).toEqual([{ address: 'to:', failureDomain: 'test' }])
  expect(await contents(await folderBackend(join(home, 'from'), 'from'))).toEqual({})
})
