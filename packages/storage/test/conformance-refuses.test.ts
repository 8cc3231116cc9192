import { createMemoryBackend } from '@ipfs-kit/storage'
import { beforeAll, describe, expect, test } from 'vitest'
import { failuresOf } from './collect.ts'
import { breakages, broken } from './broken.ts'
import { delegate } from '@ipfs-kit/storage/testing'

const open = () => createMemoryBackend({ maxBytes: 64 * 1024 * 1024 })
/** Enough for the ten pages that they are listed in. */
const manyKeys = 50
/** For each breakage the titles of the cases that fail. */
const failed = new Map<string, readonly string[]>()

beforeAll(async () => {
  for (const breakage of breakages) {
    const failures = await failuresOf({
      name: 'broken',
      open: async () => broken(open(), breakage),
      graceMs: 100,
      manyKeys,
    })
    failed.set(breakage.does, [...failures.keys()])
  }
})

describe('the suite refuses a backend that', () => {
  for (const { does, noticedBy } of breakages) {
    test(does, () => {
      expect(failed.get(does)).toContain(noticedBy)
    })
  }
})

test('every case of the suite notices something', async () => {
  const titles = await failuresOf({
    name: 'broken',
    open: async () => {
      throw new Error('cannot be opened')
    },
  })
  const noticed = new Set([...failed.values()].flat())
  expect([...titles.keys()].filter((title) => !noticed.has(title))).toEqual([])
})

test('the suite accepts the same backend when nothing is broken', async () => {
  const failures = await failuresOf({ name: 'whole', open: async () => delegate(open(), {}), manyKeys })
  expect(failures).toEqual(new Map())
})
