/** What tests of transfers are made of. */
import { createHash } from 'node:crypto'
import { createMemoryBackend, type StorageBackend } from '@ipfs-kit/storage'
import { delegate } from '@ipfs-kit/storage/testing'
import type { ItemOutcome } from '@ipfs-kit/transfer'

/** A backend in memory. */
export function memory(name = 'memory', maxBytes = 64 * 1024 * 1024): StorageBackend {
  return createMemoryBackend({ name, maxBytes })
}

/** Bytes that differ by their number. */
export function bytesOf(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 1) bytes[at] = number * 31 + at * 7 + (at >> 8)
  return bytes
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export async function fill(backend: StorageBackend, objects: Record<string, Uint8Array>): Promise<void> {
  for (const [key, bytes] of Object.entries(objects)) await backend.put(key, bytes)
}

/** All objects of a backend below a prefix, by their keys. */
export async function contents(backend: StorageBackend, prefix = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  let cursor: string | undefined
  do {
    const page = await backend.list({ ...(prefix && { prefix }), ...(cursor && { cursor }) })
    for (const { key } of page.entries) found[key] = sha256Of(await collect((await backend.get(key))!.body))
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The digests of objects, as `contents` tells them. */
export function digests(objects: Record<string, Uint8Array>): Record<string, string> {
  return Object.fromEntries(Object.entries(objects).map(([key, bytes]) => [key, sha256Of(bytes)]))
}

/** What a call rejects with. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'it did not reject',
    (error: unknown) => error,
  )
}

/** Outcomes as short texts, sorted. */
export function told(outcomes: readonly ItemOutcome[]): string[] {
  return outcomes
    .map(({ path, outcome, failure }) => [path, outcome, failure?.code].filter(Boolean).join(' '))
    .sort()
}

/** A backend that counts its puts and gets, by key. */
export function watched(backend: StorageBackend): {
  backend: StorageBackend
  puts: string[]
  gets: string[]
} {
  const puts: string[] = []
  const gets: string[] = []
  return {
    puts,
    gets,
    backend: delegate(backend, {
      put: (key, body, options) => {
        puts.push(key)
        return backend.put(key, body, options)
      },
      get: (key, options) => {
        gets.push(key)
        return backend.get(key, options)
      },
    }),
  }
}

/** A backend that tells SHA-256 of what it has, as one that computes it when it takes a body. */
export function telling(backend: StorageBackend): StorageBackend {
  const known = new Map<string, string>()
  return delegate(backend, {
    async put(key, body, options) {
      const hash = createHash('sha256')
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        if (body instanceof Uint8Array) {
          hash.update(body)
          yield body
          return
        }
        for await (const piece of body) {
          hash.update(piece)
          yield piece
        }
      }
      const stat = await backend.put(key, pieces(), options)
      known.set(key, hash.digest('hex'))
      return { ...stat, sha256: known.get(key) }
    },
    async stat(key, options) {
      const stat = await backend.stat(key, options)
      return stat && { ...stat, sha256: known.get(key) }
    },
    async get(key, options) {
      const object = await backend.get(key, options)
      return object && { ...object, sha256: known.get(key) }
    },
    async list(options) {
      const page = await backend.list(options)
      return { ...page, entries: page.entries.map((one) => ({ ...one, sha256: known.get(one.key) })) }
    },
  })
}

/** All values of an iterable. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const value of values) found.push(value)
  return found
}
