import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killAfter } from '@ipfs-kit/disk/testing'
import { openWal } from '@ipfs-kit/wal'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { soak } from './crash/amount.ts'
import { handler } from './wal-on.ts'

const child = fileURLToPath(new URL('operations/kill-child.ts', import.meta.url))
let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(home, { recursive: true }))

/** Lets a process work until it has said so many lines and is killed, or kills itself. What it said, in words. */
async function live(
  path: string,
  what: string,
  lines = Infinity,
  atLine?: () => Promise<void>,
): Promise<string[][]> {
  const said = await killAfter(['--conditions=@ipfs-kit/source', child, path, what], lines, atLine)
  return said.map((line) => line.split(' '))
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
    const said = [...(await live(path, 'killer')), ...(await live(path, 'killer'))]
    const begun = said.filter(([word]) => word === 'begin')
    expect(begun.map(([, , attempt]) => attempt)).toEqual(['1', '2'])
    // It would not run a third time, whoever opens the log.
    const never = vi.fn()
    await using wal = await openWal({
      path,
      types: { 'custom:killer': handler(never) },
      segmentBytes: 1_048_576,
    })
    const end = await wal.wait(Number(begun[0]![1]))
    expect(end).toMatchObject({ state: 'failed', attemptCount: 2, failure: { code: 'WAL_INTERRUPTED' } })
    expect(end.attempts.map(({ outcome, epoch }) => [outcome, epoch])).toEqual([
      ['interrupted', 1],
      ['interrupted', 2],
    ])
    expect(never).not.toHaveBeenCalled()
  },
)

test('a second process is refused while the first one is there', async () => {
  const path = join(home, 'twice')
  await live(path, 'load', 5, async () => {
    await expect(openWal({ path, types: {} })).rejects.toMatchObject({ code: 'WAL_LOCKED' })
  })
})
