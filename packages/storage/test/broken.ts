/** Backends that are broken on purpose, each in one way, with the case of the suite that has to notice. */
import { StorageError } from '@ipfs-kit/storage'
import type { ListPage, ObjectStat, StorageBackend } from '@ipfs-kit/storage'
import { bytesOf, delegate, oneChunk } from './delegate.ts'
import { writing } from './broken-writing.ts'

/** A way of being broken. */
export interface Breakage {
  /** What it does wrong. */
  readonly does: string
  /** The title of a case that fails. */
  readonly noticedBy: string
  readonly breakIt: (good: StorageBackend) => Partial<StorageBackend>
}

async function allEntries(good: StorageBackend, prefix: string): Promise<ObjectStat[]> {
  const entries: ObjectStat[] = []
  let page: ListPage | undefined
  do {
    page = await good.list(page?.cursor === undefined ? { prefix } : { prefix, cursor: page.cursor })
    entries.push(...page.entries)
  } while (page.cursor !== undefined)
  return entries
}

const reading: readonly Breakage[] = [
  {
    does: 'throws when there is nothing',
    noticedBy: 'what is not there is undefined',
    breakIt: (good) => ({
      async stat(key, options) {
        const found = await good.stat(key, options)
        if (found === undefined) throw new Error('not found')
        return found
      },
    }),
  },
  {
    does: 'gives one byte too many of a range',
    noticedBy: 'get gives ranges to the byte, and cuts off what is past the end',
    breakIt: (good) => ({
      get: (key, options) =>
        good.get(key, {
          ...options,
          ...(options?.length !== undefined &&
            options.length > 0 &&
            options.length < Number.MAX_SAFE_INTEGER && { length: options.length + 1 }),
        }),
    }),
  },
  {
    does: 'takes the length for the end',
    noticedBy: 'get gives ranges to the byte, and cuts off what is past the end',
    breakIt: (good) => ({
      get: (key, options) =>
        good.get(key, {
          ...options,
          ...(options?.length !== undefined &&
            options.offset !== undefined &&
            Number.isSafeInteger(options.length) && { length: Math.max(0, options.length - options.offset) }),
        }),
    }),
  },
  {
    does: 'gives the size of the range for that of the object',
    noticedBy: 'get gives ranges to the byte, and cuts off what is past the end',
    breakIt: (good) => ({
      async get(key, options) {
        const found = await good.get(key, options)
        return found === undefined ? undefined : { ...found, size: found.length }
      },
    }),
  },
  {
    does: 'gives nothing for a range after the end',
    noticedBy: 'a range that begins at or after the end is refused',
    breakIt: (good) => ({
      async get(key, options) {
        const stat = await good.stat(key, options)
        if (stat !== undefined && options?.offset !== undefined && options.offset >= stat.size) {
          return { ...stat, offset: options.offset, length: 0, body: oneChunk(new Uint8Array()) }
        }
        return good.get(key, options)
      },
    }),
  },
  {
    does: 'takes a negative offset for 0',
    noticedBy: 'numbers that are no positions are refused',
    breakIt: (good) => ({
      get: (key, options) =>
        good.get(
          key,
          options?.offset === undefined ? options : { ...options, offset: Math.max(0, options.offset) },
        ),
    }),
  },
  {
    does: 'hands out its own memory',
    noticedBy: 'chunks belong to the reader: writing into them does not change the object',
    breakIt: (good) => {
      const shared = new Map<string, Uint8Array>()
      return {
        async put(key, body, options) {
          const stat = await good.put(key, body, options)
          shared.delete(key)
          return stat
        },
        async get(key, options) {
          const found = await good.get(key, options)
          if (found === undefined || found.length !== found.size) return found
          const bytes = shared.get(key) ?? (await bytesOf(found.body))
          shared.set(key, bytes)
          return { ...found, body: oneChunk(bytes) }
        },
      }
    },
  },
  {
    does: 'mixes two versions in one body',
    noticedBy: 'a body is of one version, also when its object is replaced or deleted meanwhile',
    breakIt: (good) => ({
      async get(key, options) {
        const found = await good.get(key, options)
        if (found === undefined || options !== undefined) return found
        const body = async function* (): AsyncGenerator<Uint8Array> {
          let offset = 0
          while (offset < found.size) {
            const part = await good.get(key, { offset, length: 50_000 })
            if (part === undefined) return
            const bytes = await bytesOf(part.body)
            offset += bytes.byteLength
            yield bytes
          }
        }
        return { ...found, body: body() }
      },
    }),
  },
]

const keys: readonly Breakage[] = [
  {
    does: 'takes any key',
    noticedBy: 'impossible keys are refused',
    breakIt: (good) => ({
      stat: (key, options) => good.stat(`x${key.replaceAll('\0', '')}`.slice(0, 100), options),
    }),
  },
  {
    does: 'makes .. in keys go up',
    noticedBy: 'a key is taken as it stands, byte for byte',
    breakIt: (good) => ({
      put: (key, body, options) => good.put(resolved(key), body, options),
      get: (key, options) => good.get(resolved(key), options),
    }),
  },
  {
    does: 'does not tell upper case from lower case',
    noticedBy: 'a key is taken as it stands, byte for byte',
    breakIt: (good) => ({
      put: (key, body, options) => good.put(key.toLowerCase(), body, options),
      get: (key, options) => good.get(key.toLowerCase(), options),
      stat: (key, options) => good.stat(key.toLowerCase(), options),
      delete: (key, options) => good.delete(key.toLowerCase(), options),
    }),
  },
  {
    does: 'normalises Unicode',
    noticedBy: 'a key is taken as it stands, byte for byte',
    breakIt: (good) => ({
      put: (key, body, options) => good.put(key.normalize('NFC'), body, options),
      get: (key, options) => good.get(key.normalize('NFC'), options),
      stat: (key, options) => good.stat(key.normalize('NFC'), options),
      delete: (key, options) => good.delete(key.normalize('NFC'), options),
    }),
  },
]

function resolved(key: string): string {
  return key.replace('/a/../', '/')
}

const listing: readonly Breakage[] = [
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
        return { ...page, entries: page.entries.map(({ key }) => ({ key, size: 0 })) }
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

const cancelling: readonly Breakage[] = [
  {
    does: 'does not look at the signal',
    noticedBy: 'a put that is aborted while its body arrives rejects with the reason and leaves no object',
    breakIt: (good) => ({
      put(key, body, options) {
        if (options?.signal === undefined) return good.put(key, body, options)
        options.signal.throwIfAborted()
        const { signal: _ignored, ...rest } = options
        return good.put(key, body, rest)
      },
    }),
  },
  {
    does: 'looks at the signal only between chunks',
    noticedBy: 'an abort ends a put at once whose body does not answer, and tells the body to stop',
    breakIt: (good) => ({
      async put(key, body, options) {
        if (options?.signal === undefined || body instanceof Uint8Array) return good.put(key, body, options)
        const { signal, ...rest } = options
        const chunks: Uint8Array[] = []
        signal.throwIfAborted()
        for await (const chunk of body) {
          signal.throwIfAborted()
          chunks.push(Uint8Array.from(chunk))
        }
        signal.throwIfAborted()
        return good.put(key, Buffer.concat(chunks), rest)
      },
    }),
  },
  {
    does: 'leaves the body of an aborted put running',
    noticedBy: 'an abort ends a put at once whose body does not answer, and tells the body to stop',
    breakIt: (good) => ({
      put(key, body, options) {
        if (body instanceof Uint8Array || options?.signal === undefined) return good.put(key, body, options)
        const iterator = body[Symbol.asyncIterator]()
        return good.put(key, { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) }, options)
      },
    }),
  },
  {
    does: 'puts an error of its own in the place of the reason',
    noticedBy: 'a call with an aborted signal rejects with its reason and does nothing',
    breakIt: (good) => ({
      async stat(key, options) {
        if (options?.signal?.aborted === true) throw new DOMException('Aborted', 'AbortError')
        return good.stat(key, options)
      },
    }),
  },
  {
    does: 'deletes although the signal is aborted',
    noticedBy: 'a call with an aborted signal rejects with its reason and does nothing',
    breakIt: (good) => ({
      async delete(key, options) {
        await good.delete(key)
        options?.signal?.throwIfAborted()
      },
    }),
  },
  {
    does: 'goes on reading after an abort',
    noticedBy: 'an abort ends a body that is being read with the reason',
    breakIt: (good) => ({
      async get(key, options) {
        options?.signal?.throwIfAborted()
        const { signal: _ignored, ...rest } = options ?? {}
        return good.get(key, rest)
      },
    }),
  },
  {
    does: 'ends a body at an abort as if that were all',
    noticedBy: 'an abort ends a body that is being read with the reason',
    breakIt: (good) => ({
      async get(key, options) {
        const found = await good.get(key, options)
        if (found === undefined || options?.signal === undefined) return found
        const body = async function* (): AsyncGenerator<Uint8Array> {
          try {
            yield* found.body
          } catch {
            return
          }
        }
        return { ...found, body: body() }
      },
    }),
  },
]

const living: readonly Breakage[] = [
  {
    does: 'works on after close',
    noticedBy: 'after close every call is refused',
    breakIt: () => ({ close: async () => {} }),
  },
  {
    does: 'cannot be closed twice',
    noticedBy: 'close can be called again, at once and later, and by await using',
    breakIt: (good) => {
      let closed = false
      return {
        async close() {
          if (closed) throw new Error('already closed')
          closed = true
          await good.close()
        },
      }
    },
  },
  {
    does: 'waits in close for the bodies of puts',
    noticedBy: 'close ends a put that is running, and does not wait for its body',
    breakIt: (good) => {
      const running = new Set<Promise<unknown>>()
      return {
        put(key, body, options) {
          const putting = good.put(key, body, options)
          running.add(putting)
          return putting
        },
        async close() {
          if (running.size > 0) await Promise.allSettled(running)
          await good.close()
        },
      }
    },
  },
  {
    does: 'leaves the object of its probe behind',
    noticedBy: 'a probe does what the backend supports and leaves nothing behind',
    breakIt: (good) => ({
      async probe(options) {
        const report = await good.probe(options)
        await good.put('probe', new Uint8Array(1), options)
        return report
      },
    }),
  },
  {
    does: 'probes without writing',
    noticedBy: 'a probe does what the backend supports and leaves nothing behind',
    breakIt: (good) => ({
      async probe(options) {
        await good.stat('probe', options)
        return { steps: ['read'], durationMs: 0 }
      },
    }),
  },
  {
    does: 'declares listing and refuses it',
    noticedBy: 'what the manifest denies is refused, and what it declares is not',
    breakIt: () => ({
      async list() {
        throw new StorageError('STORAGE_NOT_SUPPORTED', 'It cannot list')
      },
    }),
  },
  {
    does: 'denies ranges and gives them',
    noticedBy: 'what the manifest denies is refused, and what it declares is not',
    breakIt: (good) => ({ supports: { ...good.supports, ranges: false } }),
  },
  {
    does: 'has no failure domain',
    noticedBy: 'the manifest names every ability, and the backend has a name and a failure domain',
    breakIt: () => ({ failureDomain: '' }),
  },
]

export const breakages: readonly Breakage[] = [
  ...writing,
  ...reading,
  ...keys,
  ...listing,
  ...cancelling,
  ...living,
]

/** A backend that is broken in one way. */
export function broken(good: StorageBackend, { breakIt }: Breakage): StorageBackend {
  return delegate(good, breakIt(good))
}
