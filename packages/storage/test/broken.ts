/** Backends that are broken on purpose, each in one way, with the case of the suite that has to notice. */
import { StorageError } from '@ipfs-kit/storage'
import type { StorageBackend } from '@ipfs-kit/storage'
import { listing } from './broken-listing.ts'
import { reading } from './broken-reading.ts'
import { versions } from './broken-versions.ts'
import { writing } from './broken-writing.ts'
import { delegate } from '@ipfs-kit/storage/testing'

/** A way of being broken. */
export interface Breakage {
  /** What it does wrong. */
  readonly does: string
  /** The title of a case that fails. */
  readonly noticedBy: string
  readonly breakIt: (good: StorageBackend) => Partial<StorageBackend>
}

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
  ...versions,
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
