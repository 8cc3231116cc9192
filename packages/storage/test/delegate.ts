/** Backends made of another one with some calls replaced. */
import type { StorageBackend } from '@ipfs-kit/storage'

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

/** All the bytes of a body. */
export async function bytesOf(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}

/** Bytes as a body in one chunk. */
export async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
