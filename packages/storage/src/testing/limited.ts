/** Backends that can do less than the one they are made of. */
import type { StorageBackend, Supports } from '../backend.ts'
import { checkPut } from '../call.ts'
import { StorageError } from '../errors.ts'
import { probeByRoundTrip } from '../probe.ts'
import { delegate } from './delegate.ts'

/** The same backend with abilities taken away: what it cannot do any more rejects with `STORAGE_NOT_SUPPORTED`. */
export function limited(backend: StorageBackend, less: Partial<Supports>): StorageBackend {
  const supports: Supports = { ...backend.supports, ...less }
  const refuse = async (what: string): Promise<never> => {
    throw new StorageError('STORAGE_NOT_SUPPORTED', `This backend has no ${what}`)
  }
  const part = delegate(backend, {
    supports,
    put: async (key, body, options) => {
      if (!supports.write) return refuse('write')
      checkPut(options ?? {}, supports)
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
