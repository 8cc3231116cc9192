/** Cases about listing. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ListPage } from '../backend.ts'
import { assertCode, listAll, put } from './ground.ts'
import type { ConformanceCase, Ground } from './ground.ts'

/** Runs only where objects can be written and listed; elsewhere asserts that listing is refused, or lists the fixture. */
function listing(run: (ground: Ground) => Promise<void>): (ground: Ground) => Promise<void> {
  return async (ground) => {
    const { backend } = ground
    if (!backend.supports.list) {
      await assertCode(backend.list(), 'STORAGE_NOT_SUPPORTED')
      return
    }
    if (backend.supports.write) return run(ground)
    const { key, bytes } = await ground.object(1000)
    const found = (await listAll(backend, { prefix: key })).find((entry) => entry.key === key)
    assert.deepEqual(found, { key, size: bytes.byteLength })
  }
}

/** Puts small objects and gives their entries in the order in which they have to be listed. */
async function fill(ground: Ground, names: readonly string[]): Promise<{ key: string; size: number }[]> {
  const entries: { key: string; size: number }[] = []
  for (const name of names) {
    const bytes = randomBytes(8 + entries.length)
    entries.push({ key: await put(ground, name, bytes), size: bytes.byteLength })
  }
  return entries.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
}

/** What the ground can tell apart from objects of others: its prefix, or nothing where keys are CIDs. */
function scope(ground: Ground): { prefix?: string } {
  return ground.backend.supports.keys === 'any' ? { prefix: ground.prefix } : {}
}

/** Names whose order differs between UTF-8, UTF-16, locales and plain cleverness. */
const names = [
  'b',
  'B',
  'a',
  'a/b',
  'a-',
  'a0',
  'aa',
  'é',
  'z',
  '\uff5e',
  '😀',
  '\u{10ffff}',
  '10',
  '9',
  ' ',
  '~',
]

export const listCases: readonly ConformanceCase[] = [
  {
    title: 'list gives every object once, with its size, in the byte order of UTF-8',
    run: listing(async (ground) => {
      const entries = await fill(ground, names)
      const all = await listAll(ground.backend, scope(ground))
      const ours = new Set(entries.map(({ key }) => key))
      assert.deepEqual(
        all.filter(({ key }) => ours.has(key)),
        entries,
      )
      const sorted = all.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
      assert.deepEqual(all, sorted)
    }),
  },
  {
    title: 'pages of any size make up the same list',
    run: listing(async (ground) => {
      const entries = await fill(ground, names)
      const ours = new Set(entries.map(({ key }) => key))
      for (const limit of [1, 2, names.length - 1, names.length, names.length + 1, 1000]) {
        const listed: { key: string; size: number }[] = []
        let page: ListPage | undefined
        do {
          const { cursor } = page ?? {}
          page = await ground.backend.list({
            ...scope(ground),
            limit,
            ...(cursor === undefined ? {} : { cursor }),
          })
          assert.ok(page.entries.length <= limit, `${page.entries.length} entries in a page of ${limit}`)
          for (const { key, size } of page.entries) if (ours.has(key)) listed.push({ key, size })
        } while (page.cursor !== undefined)
        assert.deepEqual(listed, entries, `pages of ${limit}`)
      }
    }),
  },
  {
    title: 'list gives the keys with a prefix, which may end anywhere in a name',
    run: listing(async (ground) => {
      const entries = await fill(ground, names)
      const prefixes = entries.map(({ key }) => key)
      if (ground.backend.supports.keys === 'any') prefixes.push(`${ground.prefix}a`, ground.prefix)
      for (const prefix of prefixes) {
        const expected = entries.filter(({ key }) => key.startsWith(prefix))
        assert.deepEqual(await listAll(ground.backend, { prefix, limit: 2 }), expected, `prefix ${prefix}`)
      }
      assert.deepEqual(await listAll(ground.backend, { prefix: `${prefixes[0]}-nothing-has-this` }), [])
    }),
  },
  {
    title: 'paging is stable: what stays is listed once, whatever comes and goes',
    run: listing(async (ground) => {
      const { backend } = ground
      const entries = await fill(
        ground,
        Array.from({ length: 30 }, (_, index) => `m${String(index).padStart(2, '0')}`),
      )
      const gone = new Set<string>()
      const seen = new Map<string, number>()
      let page: ListPage | undefined
      do {
        const { cursor } = page ?? {}
        page = await backend.list({ ...scope(ground), limit: 4, ...(cursor === undefined ? {} : { cursor }) })
        for (const { key } of page.entries) seen.set(key, (seen.get(key) ?? 0) + 1)
        const last = page.entries.at(-1)?.key
        if (last === undefined || gone.size >= 12) continue
        await put(ground, `a-new-${gone.size}`, randomBytes(16))
        await put(ground, `z-new-${gone.size}`, randomBytes(16))
        if (!backend.supports.delete) continue
        // The last one listed, on which a cursor may stand, and one before it.
        for (const key of [last, page.entries[0]!.key]) {
          if (!entries.some((entry) => entry.key === key)) continue
          await backend.delete(key)
          gone.add(key)
        }
      } while (page.cursor !== undefined)
      for (const { key } of entries) assert.equal(seen.get(key), 1, `times that ${key} was listed`)
    }),
  },
  {
    title: 'limits out of range and cursors of others are refused',
    run: listing(async (ground) => {
      const { backend } = ground
      for (const limit of [0, -1, 1.5, 1001, Number.NaN, Number.POSITIVE_INFINITY]) {
        await assert.rejects(backend.list({ limit }), RangeError, `limit ${limit}`)
      }
      for (const cursor of ['', 'not a cursor', '%%%', '\0']) {
        await assertCode(backend.list({ ...scope(ground), cursor }), 'STORAGE_INVALID_CURSOR')
      }
    }),
  },
]
