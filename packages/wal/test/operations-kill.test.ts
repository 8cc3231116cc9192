import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openWal } from '@ipfs-kit/wal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { handler } from './wal-on.ts'

const child = fileURLToPath(new URL('operations/kill-child.ts', import.meta.url))
let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(home, { recursive: true }))

/** Lets a process work until it ends, or has said so many lines and is killed. What it said. */
async function live(
  path: string,
  what: string,
  lines = Infinity,
  atLine?: () => Promise<void>,
): Promise<string[][]> {
  const args = ['--conditions=@ipfs-kit/source', child, path, what]
  const process = spawn(globalThis.process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(process, 'exit')
  const said: string[][] = []
  for await (const line of createInterface({ input: process.stdout })) {
    said.push(line.split(' '))
    if (said.length !== lines) continue
    await atLine?.()
    process.kill('SIGKILL')
  }
  await ended
  return said
}

test(
  'what was promised is there and ends, each attempt counted, after kill -9 under load',
  { timeout: 300_000 * soak },
  async () => {
    const path = join(home, 'load')
    const promised = new Set<number>()
    const ended = new Map<number, string>()
    const begun = new Map<number, number>()
    const done = new Set<number>()
    const rounds = 6 * soak
    for (let round = 0; round < rounds; round += 1) {
      const said = await live(path, 'load', 50 + Math.floor(Math.random() * 400))
      for (const [word, id, rest = ''] of said) {
        if (word === 'open') expect(Number(id)).toBe(round + 1)
        else if (word === 'promised') promised.add(Number(id))
        else if (word === 'ended') ended.set(Number(id), rest)
        else if (word === 'done') done.add(Number(id))
        else if (word === 'begin') {
          // No attempt has the number of another one.
          expect(Number(rest)).toBeGreaterThan(begun.get(Number(id)) ?? 0)
          begun.set(Number(id), Number(rest))
        }
      }
    }
    expect(promised.size).toBeGreaterThan(100)
    await using wal = await openWal({ path, types: { pin: handler(() => 'done') }, segmentBytes: 1_048_576 })
    for (const id of promised) {
      const before = await wal.get(id)
      expect(before, `operation ${id} was acknowledged`).toBeDefined()
      if (ended.has(id)) expect(before).toMatchObject({ state: ended.get(id) })
      if (before!.state === 'completed')
        expect(done.has(id) || before!.attempts.at(-1)!.epoch === rounds + 1).toBe(true)
      expect(before!.attemptCount).toBeGreaterThanOrEqual(begun.get(id) ?? 0)
      expect(await wal.wait(id)).toMatchObject({ state: 'completed' })
    }
  },
)

test(
  'a handler that kills its process becomes a dead letter after as many attempts as it has',
  { timeout: 120_000 },
  async () => {
    const path = join(home, 'killer')
    const said: string[][] = []
    for (let life = 0; life < 6 && said.at(-1)?.[0] !== 'end'; life += 1)
      said.push(...(await live(path, 'killer')))
    expect(said.filter(([word]) => word === 'begin').map(([, , attempt]) => attempt)).toEqual(['1', '2', '3'])
    expect(said.at(-1)).toEqual(['end', expect.any(String), 'failed', 'WAL_INTERRUPTED'])
    await using wal = await openWal({ path, types: {}, executor: 'off', segmentBytes: 1_048_576 })
    const { operations } = await wal.list()
    expect(operations).toMatchObject([{ state: 'failed', attemptCount: 3 }])
    expect(operations[0]!.attempts.map(({ outcome, epoch }) => [outcome, epoch])).toEqual([
      ['interrupted', 1],
      ['interrupted', 2],
      ['interrupted', 3],
    ])
  },
)

test('a second process is refused while the first one is there', async () => {
  const path = join(home, 'twice')
  await live(path, 'load', 5, async () => {
    await expect(openWal({ path, types: {} })).rejects.toMatchObject({ code: 'WAL_LOCKED' })
  })
})
