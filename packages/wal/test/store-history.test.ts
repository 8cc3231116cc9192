import { cpSync, existsSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Disk, nodeDisk, simDisk } from '@ipfs-kit/disk'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryIndex } from '../src/store/memory-index.ts'
import type { OperationIndex } from '../src/store/operation-index.ts'
import type { OperationStore } from '../src/store/operation-store.ts'
import type { OperationStoreOptions } from '../src/store/store-options.ts'
import { soak } from './crash/amount.ts'
import { answersOf, applyAll, recordsOf, type Step, steps } from './index-steps.ts'
import { folder } from './open-on.ts'
import { openStoreOn } from './open-store-on.ts'

let home: string
let made = 0

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(home, { recursive: true }))

const keepAll = { keepFinished: { count: 1000 }, idempotencyWindowMs: 1_000_000 }

/** Lets a store live through steps; each opening among them is one. Gives what the index must be. */
async function liveThrough(
  given: readonly Step[],
  open: (at: number) => Promise<OperationStore>,
  between: (step: Step) => void = () => {},
): Promise<{ readonly store: OperationStore; readonly expected: OperationIndex }> {
  const records = recordsOf([openStep, ...given])
  const expected = createMemoryIndex()
  applyAll(expected, [{ kind: 'open', at: 1000, epoch: 1 }], 1)
  let store = await open(1000)
  for (const [nth, step] of given.entries()) {
    const record = records[nth + 1]!
    const lsn = nth + 2
    if (record.kind === 'open') {
      await store.close()
      between(step)
      store = await open(record.at)
      applyAll(expected, [{ ...record, epoch: store.epoch }], 1, lsn)
    } else {
      const own = record.kind === 'start' ? { ...record, epoch: store.epoch } : record
      expect(await store.append([own])).toEqual([lsn])
      applyAll(expected, [own], 1, lsn)
      if (step.number % 20 === 0) await store.checkpoint()
      if (step.number % 20 === 1) await store.rebuildIndex()
    }
  }
  await store.index.recovered()
  return { store, expected }
}

const openStep: Step = { kind: 'open', back: 0, number: 0, isAsked: false }

function opener(disk: Disk, options: Partial<OperationStoreOptions>) {
  return (at: number): Promise<OperationStore> =>
    openStoreOn(disk, { ...keepAll, clock: () => at, ...options })
}

describe('after any history', () => {
  test('snapshot and log make the index that was', { timeout: 300_000 * soak }, async () => {
    await fc.assert(
      fc.asyncProperty(steps(120), fc.nat(1000), async (given, seed) => {
        const disk = simDisk({ seed })
        const { store, expected } = await liveThrough(given, opener(disk, {}))
        expect(answersOf(store.index)).toEqual(answersOf(expected))
        expect((await store.verify()).index.wrong).toEqual([])
        await store.close()
        const again = await openStoreOn(disk, keepAll)
        expect(again.findings).toEqual([])
        applyAll(expected, [{ kind: 'open', at: 1000, epoch: again.epoch }], 1, given.length + 2)
        expect(answersOf(again.index)).toEqual(answersOf(expected))
        await again.close()
      }),
      { numRuns: 150 * soak },
    )
  })

  test(
    'an index that was removed, emptied, damaged, cut or put back from before is made anew and loses nothing',
    { timeout: 300_000 * soak },
    async () => {
      await fc.assert(
        fc.asyncProperty(steps(60), async (given) => {
          made += 1
          const path = join(home, `${made}`)
          const file = join(path, 'index.sqlite')
          const older = join(home, `${made}.older`)
          const harm = ({ number, isAsked }: Step): void => {
            if (isAsked) cpSync(file, older)
            else if (number % 5 === 0) rmSync(file)
            else if (number % 5 === 1) writeFileSync(file, '')
            else if (number % 5 === 2) writeFileSync(file, 'not a database, whatever it is called')
            else if (number % 5 === 3) truncateSync(file, 1000)
            else if (existsSync(older)) cpSync(older, file)
          }
          const open = opener(nodeDisk(), { path })
          const { store, expected } = await liveThrough(given, open, harm)
          expect(answersOf(store.index)).toEqual(answersOf(expected))
          expect((await store.verify()).index.wrong).toEqual([])
          await store.close()
        }),
        { numRuns: 8 * soak },
      )
    },
  )
})

describe('the index of a store', () => {
  async function newStore(name: string) {
    const path = join(home, name)
    const store = await openStoreOn(nodeDisk(), { path })
    return { path, file: join(path, 'index.sqlite'), store }
  }

  test('that is whole is not made anew', async () => {
    const { path, store } = await newStore('whole')
    await store.checkpoint()
    await store.close()
    await using again = await openStoreOn(nodeDisk(), { path })
    expect(again.findings).toEqual([])
  })

  test('that is of another version, or not whole, is told', async () => {
    const { path, file, store } = await newStore('version')
    await store.close()
    for (const change of ['PRAGMA user_version = 99', 'UPDATE applied SET is_whole = 0']) {
      const database = new Database(file)
      database.exec(change)
      database.close()
      await using again = await openStoreOn(nodeDisk(), { path })
      expect(again.findings).toMatchObject([{ kind: 'index' }])
    }
  })

  test('that is ahead of the log, or had another record than it has, is made anew', async () => {
    const { path, file, store } = await newStore('ahead')
    await store.close()
    for (const change of ['UPDATE applied SET lsn = lsn + 10', 'UPDATE applied SET crc = crc + 1']) {
      const database = new Database(file)
      database.exec(change)
      database.close()
      await using again = await openStoreOn(nodeDisk(), { path })
      expect(again.findings).toMatchObject([{ kind: 'index' }])
      await again.index.recovered()
      expect(again.index.appliedLsn).toBe(again.log.stats().nextLsn - 1)
    }
  })

  test('is compared with snapshot and log by verify, and made anew by rebuildIndex', async () => {
    const { file, store } = await newStore('wrong')
    await using _store = store
    const [id] = await store.append([
      {
        kind: 'add',
        type: 'pin',
        params: {},
        priority: 1,
        after: [],
        timeoutMs: 1,
        maxAttempts: 1,
        onInterrupted: 'retry',
        cids: [],
        createdAt: 1,
      },
    ])
    await store.index.applied(id!)
    const database = new Database(file)
    database.prepare(`UPDATE operations SET body = json_set(body, '$.priority', 9) WHERE id = ?`).run(id)
    database.close()
    expect((await store.verify()).index).toMatchObject({ operations: 1, wrong: [id] })
    await store.rebuildIndex()
    expect((await store.verify()).index).toMatchObject({ operations: 1, wrong: [] })
    expect(store.index.get(id!)).toMatchObject({ priority: 1 })
  })

  test('is in memory on a simulated disk', async () => {
    await expect(openStoreOn(simDisk({ seed: 1 }), { path: folder, index: 'sqlite' })).rejects.toThrow(
      TypeError,
    )
  })
})
