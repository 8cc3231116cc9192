/** Backends made of another one with some calls replaced. */
import type { StorageBackend } from '../backend.ts'

/** A backend that passes every call on, except those that are replaced. */
export function delegate(backend: StorageBackend, replaced: Partial<StorageBackend>): StorageBackend {
  return {
    name: backend.name,
    failureDomain: backend.failureDomain,
    supports: backend.supports,
    put: (key, body, options) => backend.put(key, body, options),
    get: (key, options) => backend.get(key, options),
    stat: (key, options) => backend.stat(key, options),
    delete: (key, options) => backend.delete(key, options),
    list: (options) => backend.list(options),
    probe: (options) => backend.probe(options),
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
    ...replaced,
  }
}
