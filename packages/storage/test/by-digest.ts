/** A backend whose keys are no text of the caller's choice, to see that the suite asks only for what is declared. */
import { createHash } from 'node:crypto'
import { checkPut, probeByRoundTrip, StorageError } from '@ipfs-kit/storage'
import type { ObjectStat, StorageBackend } from '@ipfs-kit/storage'
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
    supports: { ...backend.supports, conditionalReplace: false, keys: 'cid' },
    async put(key, body, options) {
      check(key)
      checkPut(options ?? {}, store.supports)
      return ofDigest(await backend.put(key, body, options))
    },
    async get(key, options) {
      check(key)
      const found = await backend.get(key, options)
      return found && ofDigest(found)
    },
    async stat(key, options) {
      check(key)
      const found = await backend.stat(key, options)
      return found && ofDigest(found)
    },
    async delete(key, options) {
      check(key)
      return backend.delete(key, options)
    },
    async list(options) {
      const page = await backend.list(options)
      return { ...page, entries: page.entries.map(ofDigest) }
    },
    probe: (options) => probeByRoundTrip(store, { ...options, keyOf: digestOf }),
  })
  return store
}

/** Its version is its key, and its digest is in it. */
function ofDigest<T extends ObjectStat>(stat: T): T {
  return { ...stat, version: stat.key, sha256: stat.key.slice('sha256-'.length) }
}
