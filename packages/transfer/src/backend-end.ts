/** A storage backend, or what is below a key of it, as an end. */
import type { ObjectStat, StorageBackend } from '@ipfs-kit/storage'
import type { EndItem, WritableEnd } from './end.ts'

/** Options of {@link backendEnd}. */
export interface BackendEndOptions {
  /** Its address, for messages and manifests. Default: the name of the backend, a colon, and the key. */
  readonly name?: string
  /**
   * What the bytes are in, and where the backend begins in it, for backends that may lie in one another, such as folders:
   * `{ id: 'files of this machine', base: 'srv/data/' }`. Default: the backend itself, and an empty base.
   */
  readonly place?: { readonly id: unknown; readonly base: string }
  /** Bytes that an object may have there. Default: as many as can be counted. */
  readonly maxItemBytes?: number
}

/** Bytes that a key of a backend may have, by the contract. */
const maxKeyBytes = 1024

/**
 * Makes an end. A key that is empty or ends with a slash stands for all that begins with it; any other is one object.
 *
 * @param backend - stays open as long as the end is used; whoever has opened it closes it
 * @throws TypeError for an option that is unknown or of the wrong type
 * @throws RangeError for a limit that is no whole number
 */
export function backendEnd(
  backend: StorageBackend,
  key: string,
  options: BackendEndOptions = {},
): WritableEnd {
  const {
    name = `${backend.name}:${key}`,
    place = { id: backend, base: '' },
    maxItemBytes = Number.MAX_SAFE_INTEGER,
    ...unknown
  } = options
  const [other] = Object.keys(unknown)
  if (other !== undefined) throw new TypeError(`An end has no option ${JSON.stringify(other)}`)
  if (typeof key !== 'string' || typeof name !== 'string') throw new TypeError('key and name are texts')
  if (!Number.isSafeInteger(maxItemBytes) || maxItemBytes < 0) {
    throw new RangeError(`maxItemBytes is a whole number of bytes, not ${String(maxItemBytes)}`)
  }
  const { supports, failureDomain } = backend
  const itemOf = (stat: ObjectStat): EndItem => ({
    path: stat.key.slice(key.length),
    size: stat.size,
    version: stat.version,
    modifiedMs: stat.modifiedMs,
    sha256: stat.sha256,
    cid: supports.keys === 'cid' ? stat.key : undefined,
  })
  return Object.freeze<WritableEnd>({
    name,
    shape: key === '' || key.endsWith('/') ? 'prefix' : 'object',
    place: place.id,
    root: place.base + key,
    failureDomain,
    supports: Object.freeze({
      write: supports.write,
      delete: supports.delete,
      list: supports.list,
      conditionalPut: supports.conditionalPut,
      conditionalReplace: supports.conditionalReplace,
      maxPathBytes: supports.keys === 'cid' ? 0 : maxKeyBytes - Buffer.byteLength(key),
      maxItemBytes,
    }),
    async *list({ signal }) {
      let cursor: string | undefined
      do {
        const page = await backend.list({
          ...(key !== '' && { prefix: key }),
          ...(cursor !== undefined && { cursor }),
          signal,
        })
        for (const stat of page.entries) {
          // The object whose key is the prefix itself has no path below it.
          if (stat.key !== key) yield itemOf(stat)
        }
        cursor = page.cursor
      } while (cursor !== undefined)
    },
    async stat(path, call) {
      const stat = await backend.stat(key + path, call)
      return stat && itemOf(stat)
    },
    async open(path, call) {
      const object = await backend.get(key + path, call)
      return object && { ...itemOf(object), body: object.body }
    },
    async write(path, body, write) {
      return itemOf(await backend.put(key + path, body, write))
    },
    remove: (path, call) => backend.delete(key + path, call),
    finish: async () => ({}),
  })
}
