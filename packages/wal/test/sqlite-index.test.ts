import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryIndex } from '../src/store/memory-index.ts'
import { queryTexts } from '../src/sqlite/queries.ts'
import { openSqliteIndex } from '../src/sqlite/sqlite-index.ts'
import type { WalRecord } from '../src/store/record.ts'
import { soak } from './crash/amount.ts'
import { adds } from './open-store-on.ts'
import { answersOf, applyAll, recordsOf, steps } from './index-steps.ts'

let home: string
let made = 0

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(home, { recursive: true }))

function newPath(): string {
  made += 1
  return join(home, `${made}.sqlite`)
}

describe('the index in SQLite', () => {
  test('answers as the one in memory does, after any history', { timeout: 300_000 * soak }, async () => {
    await fc.assert(
      fc.asyncProperty(steps(160), fc.integer({ min: 1, max: 30 }), fc.nat(100), async (given, size, cut) => {
        const records = recordsOf(given)
        const before = Math.floor((records.length * cut) / 100)
        const path = newPath()
        await using memory = createMemoryIndex()
        applyAll(memory, records, size)
        {
          await using first = await openSqliteIndex(path)
          applyAll(first, records.slice(0, before), size)
        }
        await using index = await openSqliteIndex(path)
        expect(index.appliedLsn).toBe(before)
        applyAll(index, records.slice(before), size, before + 1)
        await index.recovered()
        expect(answersOf(index)).toEqual(answersOf(memory))

        const retention = { keysBefore: 1030, finishedBefore: 1020, keepFinished: size }
        const kept = index.finished({}, 1000).filter((_, nth) => nth % 3 === cut % 3)
        const keepings = [index, memory].map((one) => one.keep(kept))
        expect(await index.retain(retention)).toEqual(await memory.retain(retention))
        expect(answersOf(index)).toEqual(answersOf(memory))
        for (const id of kept) expect(index.get(id)).toBeDefined()
        for (const keeping of keepings) keeping.until(index.appliedLsn)
        expect(await index.retain(retention)).toEqual(await memory.retain(retention))
        expect(answersOf(index)).toEqual(answersOf(memory))
      }),
      { numRuns: 20 * soak },
    )
  })

  test('becomes what the image of either was', { timeout: 300_000 * soak }, async () => {
    await fc.assert(
      fc.asyncProperty(steps(60), steps(30), async (given, more) => {
        const records = recordsOf([...given, ...more])
        const rest = records.slice(given.length)
        await using memory = createMemoryIndex()
        await using source = await openSqliteIndex(newPath())
        for (const index of [memory, source]) applyAll(index, records.slice(0, given.length), 7)
        const copies = [await openSqliteIndex(newPath()), createMemoryIndex()]
        for (const [at, from] of [memory, source].entries()) {
          await using copy = copies[at]!
          applyAll(copy, records.slice(0, 5), 5)
          await using image = await from.image()
          await copy.load(image.head, image.parts())
          expect(answersOf(copy)).toEqual(answersOf(from))
          applyAll(copy, rest, 4, given.length + 1)
          await copy.recovered()
          await using whole = createMemoryIndex()
          applyAll(whole, records, 3)
          expect(answersOf(copy)).toEqual(answersOf(whole))
        }
      }),
      { numRuns: 8 * soak },
    )
  })

  test('counts a dependency that is named twice once', async () => {
    await using memory = createMemoryIndex()
    await using sqlite = await openSqliteIndex(newPath())
    for (const index of [memory, sqlite]) {
      applyAll(
        index,
        [
          adds(),
          adds({}, { after: [1, 1], before: [1] }),
          { kind: 'start', at: 1000, id: 1, epoch: 1 },
          { kind: 'complete', at: 1000, id: 1 },
        ],
        1,
      )
      await index.recovered()
      expect(index.get(2)).toMatchObject({ after: [1], waitingFor: 0 })
      expect(index.lanes()).toEqual([''])
    }
  })

  test('retains a CID as long as an operation that names it has not ended', async () => {
    await using memory = createMemoryIndex()
    await using sqlite = await openSqliteIndex(newPath())
    await using copied = createMemoryIndex()
    for (const index of [memory, sqlite]) {
      let lsn = 0
      const retainedAfter = async (...records: WalRecord[]) => {
        applyAll(index, records, 2, lsn + 1)
        lsn += records.length
        await index.recovered()
        return index.retainedCids().toSorted()
      }
      const named = [adds({}, { cids: ['a', 'b'] }), adds({}, { cids: ['b', 'c'] }), adds()]
      expect(await retainedAfter(...named)).toEqual(['a', 'b', 'c'])
      const failed = { kind: 'fail', at: 1000, id: 1, failure: { code: 'E', message: 'no' } } as const
      expect(await retainedAfter({ kind: 'start', at: 1000, id: 1, epoch: 1 }, failed)).toEqual(['b', 'c'])
      expect(await retainedAfter({ kind: 'cancel', at: 1000, id: 2, reason: 'no' })).toEqual([])
      expect(await retainedAfter({ kind: 'retry', at: 1000, id: 2 })).toEqual(['b', 'c'])
      expect(await retainedAfter({ kind: 'delete', at: 1000, ids: [1, 2] })).toEqual(['b', 'c'])
      applyAll(copied, [adds({}, { cids: ['d'] })], 1)
      await using image = await index.image()
      await copied.load(image.head, image.parts())
      expect(copied.retainedCids().toSorted()).toEqual(['b', 'c'])
    }
  })

  test('answers every query by an index', async () => {
    const path = newPath()
    await using _index = await openSqliteIndex(path)
    const database = new Database(path, { readonly: true })
    try {
      const plans = Object.entries(queryTexts).map(([name, text]) => {
        const explained = database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`)
        const wanted = (text.match(/\?/g) ?? []).map(() => 1)
        return [name, explained.all(...wanted).map(({ detail }) => detail)] as const
      })
      // Of these tables everything is wanted.
      const whole = new Set(['SCAN groups', 'SCAN cids', 'SCAN found', 'SCAN CONSTANT ROW'])
      for (const [name, details] of plans) {
        for (const detail of details) {
          if (whole.has(detail)) continue
          const isByIndex = /^SEARCH \w+ USING (COVERING )?INDEX|^SEARCH \w+ USING (INTEGER )?PRIMARY KEY/
          expect(`${name}: ${detail}`).not.toMatch(/SCAN|TEMP B-TREE/)
          if (detail.startsWith('SEARCH')) expect(detail).toMatch(isByIndex)
        }
      }
    } finally {
      database.close()
    }
  })
})

test('the index in memory knows when the next of very many is due, or expires', async () => {
  await using index = createMemoryIndex()
  const many = 130_000
  applyAll(
    index,
    Array.from({ length: many }, (_, nth) => adds({}, { notBefore: 5000 + nth, expiresAt: 9000 + nth })),
    many,
  )
  expect([index.nextDue('', 4000), index.nextDue('', 6000), index.nextDue('', 1e6)]).toEqual([
    5000,
    6001,
    undefined,
  ])
  expect([index.nextExpiry(4000), index.nextExpiry(9000), index.nextExpiry(1e6)]).toEqual([
    9000,
    9001,
    undefined,
  ])
})
