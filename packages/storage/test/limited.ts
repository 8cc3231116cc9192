/** Backends that can do less than the one in memory, to see that the suite asks only for what is declared. */
import { createHash } from 'node:crypto'
import { probeByRoundTrip, StorageError } from '@ipfs-kit/storage'
import type { ProbeReport, StorageBackend, Supports } from '@ipfs-kit/storage'
import { bytesOf, delegate } from './delegate.ts'

/** The same backend with abilities taken away. */
export function limited(backend: StorageBackend, less: Partial<Supports>): StorageBackend {
  const supports: Supports = { ...backend.supports, ...less }
  const refuse = async (what: string): Promise<never> => {
    throw new StorageError('STORAGE_NOT_SUPPORTED', `This backend has no ${what}`)
  }
  const part = delegate(backend, {
    supports,
    put: (key, body, options) => {
      if (!supports.write) return refuse('write')
      if (options?.ifAbsent === true && !supports.conditionalPut) return refuse('conditionalPut')
      return backend.put(key, body, options)
    },
    get: (key, options) => {
      const isRange = options?.offset !== undefined || options?.length !== undefined
      return isRange && !supports.ranges ? refuse('ranges') : backend.get(key, options)
    },
    delete: (key, options) => (supports.delete ? backend.delete(key, options) : refuse('delete')),
    list: (options) => (supports.list ? backend.list(options) : refuse('list')),
    probe: (options) => probeByRoundTrip(part, options),
  })
  return part
}

/** The key that {@link byDigest} wants for some bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256-${createHash('sha256').update(bytes).digest('hex')}`
}

/** A backend whose keys are digests of the bytes, as CIDs are. */
export function byDigest(backend: StorageBackend): StorageBackend {
  const check = (key: string): void => {
    if (!/^sha256-[0-9a-f]{64}$/.test(key)) {
      throw new StorageError('STORAGE_INVALID_KEY', `The key ${JSON.stringify(key)} is no digest`)
    }
  }
  const store = delegate(backend, {
    supports: { ...backend.supports, keys: 'cid' },
    async put(key, body, options) {
      check(key)
      return backend.put(key, body, options)
    },
    async get(key, options) {
      check(key)
      return backend.get(key, options)
    },
    async stat(key, options) {
      check(key)
      return backend.stat(key, options)
    },
    async delete(key, options) {
      check(key)
      return backend.delete(key, options)
    },
    async probe(options): Promise<ProbeReport> {
      const started = performance.now()
      const bytes = new Uint8Array(32)
      const key = digestOf(bytes)
      await store.put(key, bytes, options)
      const found = await store.get(key, options)
      if (found === undefined || !(await bytesOf(found.body)).equals(bytes)) {
        throw new StorageError('STORAGE_PROBE_FAILED', 'It does not give back what it took')
      }
      await store.delete(key, options)
      return { steps: ['write', 'read', 'delete'], durationMs: performance.now() - started }
    },
  })
  return store
}
