import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killAfter } from '@ipfs-kit/disk/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { openBlocks } from '../src/open-blocks.ts'
import { soak } from './crash/amount.ts'
import { linksOf } from './crash/made-blocks.ts'
import { blocksOf, type Line, readLines } from './crash/side-file.ts'

const child = fileURLToPath(new URL('./crash/kill-child.ts', import.meta.url))
const maxBytes = 4_194_304
let home: string
let path: string
let side: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-blocks-'))
  path = join(home, 'store')
  side = join(home, 'claims')
})
afterAll(() => rm(home, { recursive: true }))

/** Lets a process work on the store until it has said so many lines, and kills it. What it said. */
function killUser(lines: number, start: number, atLine?: () => Promise<void>): Promise<string[]> {
  return killAfter(['--conditions=@ipfs-kit/source', child, path, side, `${start}`], lines, atLine)
}

async function open(claims: ReadonlyMap<number, Line>): Promise<Blocks> {
  return openBlocks({
    path,
    maxBytes,
    packBytes: 131_072,
    minFreeBytes: 0,
    claims: () => [...claims.values()].map((line) => ({ cid: blocksOf(line)[0]!.cid })),
    links: linksOf,
  })
}

/** Looks at the store from outside of the process that was killed: everything that was recorded is there. */
async function check(said: readonly string[]): Promise<void> {
  let packBytes = 0
  for (const name of await readdir(path)) {
    if (name.endsWith('.pack')) packBytes += Math.ceil((await stat(join(path, name))).size / 4096) * 4096
  }
  expect(packBytes).toBeLessThanOrEqual(maxBytes)
  const claims = readLines(side)
  const everRecorded = new Set(said.filter((line) => line !== 'open').map(Number))
  // What was answered is recorded, unless it was dropped since.
  const newest = [...claims.keys()].reduce((most, claim) => Math.max(most, claim), 0)
  for (const first of everRecorded)
    if (first > newest) throw new Error(`${first} was answered and is not recorded`)
  await using store = await open(claims)
  for (const line of claims.values()) {
    for (const { cid, bytes } of blocksOf(line)) {
      const found = await store.get(cid)
      if (found === undefined || Buffer.compare(found, bytes) !== 0)
        throw new Error(`${cid} of claim ${line.first} is lost`)
    }
  }
  expect((await store.mark()).missingLeaves).toBe(0)
  expect(store.stats().corruptReads).toBe(0)
}

test(
  'everything that was answered is there after kill -9 under load',
  { timeout: 300_000 * soak },
  async () => {
    for (let round = 0; round < 50 * soak; round += 1) {
      const lines = 1 + Math.floor(Math.random() * 25)
      await check(await killUser(lines, round * 100_000))
    }
  },
)

test('a second process is refused while the first is there, and let in when that is killed', async () => {
  await killUser(2, 90_000_000, async () => {
    await expect(openBlocks({ path })).rejects.toMatchObject({ code: 'BLOCKS_LOCKED', kind: 'conflict' })
  })
  await using store = await open(readLines(side))
  expect(store.stats().entries).toBeGreaterThan(0)
})
