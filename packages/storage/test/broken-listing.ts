/** Ways of being broken that have to do with `list`. */
import { type ListPage, type ObjectStat, type StorageBackend, StorageError } from '@ipfs-kit/storage'
import type { Breakage } from './broken.ts'

export const listing: readonly Breakage[] = [
  {
    does: 'lists in the order of UTF-16',
    noticedBy: 'list gives every object once, with its size, in the byte order of UTF-8',
    breakIt: (good) => ({
      async list(options) {
        const page = await good.list(options)
        return { ...page, entries: page.entries.toSorted((a, b) => (a.key < b.key ? -1 : 1)) }
      },
    }),
  },
  {
    does: 'lists wrong sizes',
    noticedBy: 'list gives every object once, with its size, in the byte order of UTF-8',
    breakIt: (good) => ({
      async list(options) {
        const page = await good.list(options)
        return { ...page, entries: page.entries.map((entry) => ({ ...entry, size: 0 })) }
      },
    }),
  },
  {
    does: 'lists the last of a page again on the next',
    noticedBy: 'pages of any size make up the same list',
    breakIt: (good) => ({
      async list(options) {
        const page = await good.list(options)
        if (options?.cursor === undefined) return page
        const key = Buffer.from(options.cursor, 'base64url').toString()
        const again = await good.stat(key)
        if (again === undefined) return page
        return { ...page, entries: [again, ...page.entries].slice(0, options.limit ?? 1000) }
      },
    }),
  },
  {
    does: 'ends a listing after its first page',
    noticedBy: 'pages of any size make up the same list',
    breakIt: (good) => ({
      async list(options) {
        const { entries } = await good.list(options)
        return { entries }
      },
    }),
  },
  {
    does: 'gives more entries than the limit',
    noticedBy: 'pages of any size make up the same list',
    breakIt: (good) => ({
      list(options) {
        const { limit, ...rest } = options ?? {}
        return good.list(
          limit === undefined || !(limit >= 1 && limit < 1000) ? options : { ...rest, limit: limit + 1 },
        )
      },
    }),
  },
  {
    does: 'takes a prefix for a folder',
    noticedBy: 'list gives the keys with a prefix, which may end anywhere in a name',
    breakIt: (good) => ({
      list(options) {
        const prefix = options?.prefix ?? ''
        return good.list({ ...options, prefix: prefix.slice(0, prefix.lastIndexOf('/') + 1) })
      },
    }),
  },
  {
    does: 'counts entries for its cursor, so that a delete makes it skip',
    noticedBy: 'paging is stable: what stays is listed once, whatever comes and goes',
    breakIt: (good) => ({
      async list({ prefix = '', limit = 1000, cursor, ...rest } = {}) {
        await good.list({ ...rest, limit })
        if (cursor !== undefined && !/^\d+$/.test(cursor))
          throw new StorageError('STORAGE_INVALID_CURSOR', 'No')
        const entries = await allEntries(good, prefix)
        const start = Number(cursor ?? 0)
        const page = entries.slice(start, start + limit)
        return start + limit < entries.length
          ? { entries: page, cursor: `${start + limit}` }
          : { entries: page }
      },
    }),
  },
  {
    does: 'starts again at a cursor that it does not know',
    noticedBy: 'limits out of range and cursors of others are refused',
    breakIt: (good) => ({
      async list(options) {
        try {
          return await good.list(options)
        } catch (error) {
          if (!(error instanceof StorageError) || error.code !== 'STORAGE_INVALID_CURSOR') throw error
          const { cursor: _unknown, ...rest } = options ?? {}
          return good.list(rest)
        }
      },
    }),
  },
]

async function allEntries(good: StorageBackend, prefix: string): Promise<ObjectStat[]> {
  const entries: ObjectStat[] = []
  let page: ListPage | undefined
  do {
    page = await good.list(page?.cursor === undefined ? { prefix } : { prefix, cursor: page.cursor })
    entries.push(...page.entries)
  } while (page.cursor !== undefined)
  return entries
}
