import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killAfter } from '@ipfs-kit/disk/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOperationStore } from '../src/store/open-operation-store.ts'
import { soak } from './crash/amount.ts'

const child = fileURLToPath(new URL('crash/store-kill-child.ts', import.meta.url))
let home: string
let path: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
  path = join(home, 'log')
})
afterAll(() => rm(home, { recursive: true }))

/** States in which an operation may be, by the last that was said of it: an answer may not have been said yet. */
const possible = {
  queued: ['queued', 'retrying', 'completed'],
  retrying: ['retrying', 'completed'],
  completed: ['completed'],
} as const

test(
  'what acknowledged records have made is there after kill -9, whatever the index had of it',
  { timeout: 300_000 * soak },
  async () => {
    const said = new Map<number, keyof typeof possible>()
    for (let round = 0; round < 6 * soak; round += 1) {
      const lines = 2 + Math.floor(Math.random() * 6000)
      for (const line of await killAfter(['--conditions=@ipfs-kit/source', child, path], lines)) {
        const [state, id] = line.split(' ')
        if (state === 'open') expect(id).toBe('0')
        else said.set(Number(id), state as keyof typeof possible)
      }
      await using store = await openOperationStore({
        path,
        segmentBytes: 65_536,
        keepFinished: { count: 1_000_000 },
        ...(round % 3 === 2 && { index: 'memory' }),
      })
      expect(store.findings).toEqual([])
      await store.index.recovered()
      for (const [id, state] of said) {
        expect(possible[state] as readonly string[], `${id}`).toContain(store.index.get(id)?.state)
      }
      expect((await store.verify()).index.wrong).toEqual([])
    }
    expect(said.size).toBeGreaterThan(1000)
  },
)
