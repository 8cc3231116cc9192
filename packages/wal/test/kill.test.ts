import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openLog } from '@ipfs-kit/wal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { contentOf } from './open-on.ts'

const child = fileURLToPath(new URL('crash/kill-child.ts', import.meta.url))
let home: string
let path: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
  path = join(home, 'log')
})
afterAll(() => rm(home, { recursive: true }))

/** Lets a process append until it has said so many lines, and kills it. What it said. */
async function killAfter(lines: number, round: number, atLine?: () => Promise<void>): Promise<string[]> {
  const args = ['--conditions=@ipfs-kit/source', child, path, `${round}`]
  const process = spawn(globalThis.process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(process, 'exit')
  const said: string[] = []
  for await (const line of createInterface({ input: process.stdout })) {
    said.push(line)
    if (said.length !== lines) continue
    await atLine?.()
    process.kill('SIGKILL')
  }
  expect(await ended).toEqual([null, 'SIGKILL'])
  return said
}

/** What was said is there, but for what was dropped since; each once. */
async function check(said: ReadonlyMap<number, string>): Promise<void> {
  await using log = await openLog({ path, segmentBytes: 65_536 })
  expect(log.findings.filter(({ kind }) => kind !== 'torn-tail')).toEqual([])
  const found = await contentOf(log)
  const { firstLsn, nextLsn } = log.stats()
  expect(found.size).toBe(nextLsn - firstLsn)
  const newest = Math.max(...said.keys())
  expect(firstLsn).toBeLessThan(newest)
  for (const [lsn, text] of said) {
    if (lsn >= firstLsn && found.get(lsn)?.replace(/-+$/, '') !== text)
      throw new Error(`LSN ${lsn}, ${text}, is lost`)
  }
  const own = [...found.values()].filter((text) => !text.includes('dropper'))
  expect(new Set(own).size).toBe(own.length)
}

test('what was answered is there after kill -9 under load', { timeout: 300_000 * soak }, async () => {
  const said = new Map<number, string>()
  for (let round = 0; round < 20 * soak; round += 1) {
    for (const line of await killAfter(1 + Math.floor(Math.random() * 1500), round)) {
      const [lsn, text = ''] = line.split(' ')
      if (lsn === 'open') expect(text).toBe('0')
      else if (text !== '') said.set(Number(lsn), text)
    }
    if (said.size > 0) await check(said)
  }
  expect(said.size).toBeGreaterThan(1000)
})

test('a second process is refused while the first is there, and let in when that is killed', async () => {
  await killAfter(2, 999, async () => {
    await expect(openLog({ path })).rejects.toMatchObject({ code: 'WAL_LOCKED', kind: 'conflict' })
  })
  await using log = await openLog({ path })
  expect(log.stats().nextLsn).toBeGreaterThan(1)
})
