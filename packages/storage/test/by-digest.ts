/** A backend whose keys are no text of the caller's choice, to see that the suite asks only for what is declared. */
import { createHash } from 'node:crypto'
import { probeByRoundTrip, StorageError } from '@ipfs-kit/storage'
import type { StorageBackend } from '@ipfs-kit/storage'
import { delegate } from '@ipfs-kit/storage/testing'

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
    probe: (options) => probeByRoundTrip(store, { ...options, keyOf: digestOf }),
  })
  return store
}
