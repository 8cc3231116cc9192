/** Backends whose writing is broken. */
import { StorageError } from '@ipfs-kit/storage'
import { bytesOf } from './bodies.ts'
import type { Breakage } from './broken.ts'

export const writing: readonly Breakage[] = [
  {
    does: 'shows a put while its body arrives',
    noticedBy: 'a new key is not seen before its put is complete',
    breakIt: (good) => ({
      async put(key, body, options) {
        if (body instanceof Uint8Array) return good.put(key, body, options)
        const chunks: Uint8Array[] = []
        for await (const chunk of body) {
          chunks.push(Uint8Array.from(chunk))
          if (chunks.length === 1) await good.put(key, chunk)
        }
        return good.put(key, Buffer.concat(chunks), options)
      },
    }),
  },
  {
    does: 'removes the former value before the new one is there',
    noticedBy: 'the former value is seen whole until the put of the next is complete',
    breakIt: (good) => ({
      async put(key, body, options) {
        const isPlain = options?.ifAbsent !== true && options?.ifVersion === undefined
        if (isPlain && options?.signal?.aborted !== true && key !== '') {
          await good.delete(key).catch(() => undefined)
        }
        return good.put(key, body, options)
      },
    }),
  },
  {
    does: 'keeps what came of a body that failed',
    noticedBy: 'a body that fails passes its error through and leaves no object',
    breakIt: (good) => ({
      async put(key, body, options) {
        if (body instanceof Uint8Array) return good.put(key, body, options)
        const chunks: Uint8Array[] = []
        const copying = async function* (): AsyncGenerator<Uint8Array> {
          for await (const chunk of body) {
            chunks.push(Uint8Array.from(chunk))
            yield chunk
          }
        }
        try {
          return await good.put(key, copying(), options)
        } catch (error) {
          if (error instanceof Error && error.message === 'the source failed')
            await good.put(key, Buffer.concat(chunks))
          throw error
        }
      },
    }),
  },
  {
    does: 'wraps the error of a body',
    noticedBy: 'a body that fails passes its error through and leaves no object',
    breakIt: (good) => ({
      async put(key, body, options) {
        try {
          return await good.put(key, body, options)
        } catch (error) {
          if (error instanceof StorageError || error instanceof TypeError || options?.signal?.aborted)
            throw error
          throw new Error('put failed', { cause: error })
        }
      },
    }),
  },
  {
    does: "keeps the caller's buffer instead of a copy",
    noticedBy: 'put copies: a buffer that the caller uses again does not change the object',
    breakIt: (good) => {
      const kept = new Map<string, Uint8Array>()
      return {
        async put(key, body, options) {
          const stat = await good.put(key, body, options)
          if (body instanceof Uint8Array) kept.set(key, body)
          else kept.delete(key)
          return stat
        },
        async get(key, options) {
          const bytes = kept.get(key)
          if (bytes !== undefined && (await good.stat(key)) !== undefined) await good.put(key, bytes)
          return good.get(key, options)
        },
      }
    },
  },
  {
    does: 'keeps the chunks of a stream instead of copies',
    noticedBy: 'put copies: a buffer that the caller uses again does not change the object',
    breakIt: (good) => ({
      async put(key, body, options) {
        if (body instanceof Uint8Array || options !== undefined) return good.put(key, body, options)
        const chunks: Uint8Array[] = []
        for await (const chunk of body) chunks.push(chunk)
        return good.put(key, Buffer.concat(chunks))
      },
    }),
  },
  {
    does: 'answers before the object can be seen',
    noticedBy: 'put shows at once, whole and with its size, whatever the size',
    breakIt: (good) => ({
      async put(key, body, options) {
        const bytes = await bytesOf(body)
        setImmediate(() => void good.put(key, bytes, options).catch(() => undefined))
        return { key, size: bytes.byteLength, version: '1', modifiedMs: undefined, sha256: undefined }
      },
    }),
  },
  {
    does: 'drops the last byte of large objects',
    noticedBy: 'put shows at once, whole and with its size, whatever the size',
    breakIt: (good) => ({
      async put(key, body, options) {
        if (!(body instanceof Uint8Array) || body.byteLength <= 65_536 || options !== undefined) {
          return good.put(key, body, options)
        }
        return { ...(await good.put(key, body.subarray(0, -1))), size: body.byteLength }
      },
    }),
  },
  {
    does: 'takes an empty object for none',
    noticedBy: 'put shows at once, whole and with its size, whatever the size',
    breakIt: (good) => ({
      async get(key, options) {
        const found = await good.get(key, options)
        return found?.size === 0 ? undefined : found
      },
    }),
  },
  {
    does: 'ignores the declared size',
    noticedBy: 'a body of another size than declared is refused and leaves no object',
    breakIt: (good) => ({
      put(key, body, options) {
        if (options?.size === undefined) return good.put(key, body, options)
        const { size: _ignored, ...rest } = options
        return good.put(key, body, rest)
      },
    }),
  },
  {
    does: 'checks the declared size after it has stored the object',
    noticedBy: 'a body of another size than declared is refused and leaves no object',
    breakIt: (good) => ({
      async put(key, body, options) {
        if (options?.size === undefined) return good.put(key, body, options)
        const { size, ...rest } = options
        const stat = await good.put(key, body, rest)
        if (stat.size !== size) throw new StorageError('STORAGE_SIZE_MISMATCH', 'It has another size')
        return stat
      },
    }),
  },
  {
    does: 'ignores ifAbsent',
    noticedBy: 'put with ifAbsent takes a new key and refuses one that has a value',
    breakIt: (good) => ({
      put: (key, body, options) =>
        good.put(key, body, options?.signal === undefined ? {} : { signal: options.signal }),
    }),
  },
  {
    does: 'looks for ifAbsent only before the body has come',
    noticedBy: 'of two puts with ifAbsent at once exactly one succeeds',
    breakIt: (good) => ({
      async put(key, body, options) {
        if (options?.ifAbsent !== true) return good.put(key, body, options)
        if ((await good.stat(key, options)) !== undefined)
          throw new StorageError('STORAGE_EXISTS', 'It is there')
        const { ifAbsent: _checked, ...rest } = options
        return good.put(key, body, rest)
      },
    }),
  },
  {
    does: 'reports a delete without deleting',
    noticedBy: 'delete removes an object, and an absent one is no error',
    breakIt: (good) => ({
      async delete(key, options) {
        await good.stat(key, options)
      },
    }),
  },
  {
    does: 'fails when it deletes what is not there',
    noticedBy: 'delete removes an object, and an absent one is no error',
    breakIt: (good) => ({
      async delete(key, options) {
        if ((await good.stat(key, options)) === undefined) throw new Error('no such object')
        await good.delete(key, options)
      },
    }),
  },
  {
    does: 'mixes the bodies of puts at once',
    noticedBy: 'who reads while many write sees one of the values, whole',
    breakIt: (good) => {
      const arriving = new Map<string, Uint8Array[]>()
      return {
        async put(key, body, options) {
          if (body instanceof Uint8Array || options !== undefined) return good.put(key, body, options)
          const chunks = arriving.get(key) ?? []
          arriving.set(key, chunks)
          for await (const chunk of body) chunks.push(Uint8Array.from(chunk))
          arriving.delete(key)
          return good.put(key, Buffer.concat(chunks))
        },
      }
    },
  },
  {
    does: 'puts the parts of a large body together in a wrong order',
    noticedBy: 'a large body comes back as it was, also in ranges over its parts',
    breakIt: (good) => ({
      async put(key, body, options) {
        if (body instanceof Uint8Array || options !== undefined) return good.put(key, body, options)
        const bytes = await bytesOf(body)
        const half = bytes.length >= 1_000_000 ? bytes.length >>> 1 : 0
        return good.put(key, Buffer.concat([bytes.subarray(half), bytes.subarray(0, half)]))
      },
    }),
  },
  {
    does: 'takes what came before an abort for the whole',
    noticedBy:
      'a put that is aborted before or after any of its pieces leaves the former value or the whole new one',
    breakIt: (good) => ({
      async put(key, body, options) {
        if (body instanceof Uint8Array || options?.signal === undefined) return good.put(key, body, options)
        const chunks: Uint8Array[] = []
        const copying = async function* (): AsyncGenerator<Uint8Array> {
          for await (const chunk of body) {
            chunks.push(Uint8Array.from(chunk))
            yield chunk
          }
        }
        try {
          return await good.put(key, copying(), options)
        } catch (error) {
          if (options.signal.aborted && chunks.length === 3) await good.put(key, Buffer.concat(chunks))
          throw error
        }
      },
    }),
  },
]
