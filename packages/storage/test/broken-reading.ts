/** Ways of being broken that have to do with `get` and `stat`. */
import type { Breakage } from './broken.ts'
import { bytesOf, oneChunk } from './bodies.ts'

export const reading: readonly Breakage[] = [
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
