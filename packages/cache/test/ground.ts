/** What tests of several caches ask and compare. */
import type { MemoryCache } from '@ipfs-kit/cache'

/** Asks for a key as a user of a cache does: what it has not is set. */
export function ask<V>(cache: MemoryCache<V>, key: string, value: V, bytes?: number): void {
  if (cache.get(key) === undefined) cache.set(key, value, bytes === undefined ? {} : { bytes })
}

/** Ghosts that the policy of a cache has, of whatever list. */
export function ghostsOf(cache: MemoryCache<unknown>): number {
  const { b1 = 0, b2 = 0, ghosts = 0 } = cache.stats().order
  return b1 + b2 + ghosts
}

/** All bytes of a body. */
export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer>
export async function collect(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer | undefined>
export async function collect(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer | undefined> {
  if (body === undefined) return undefined
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** What a call rejects with. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'it did not reject',
    (error: unknown) => error,
  )
}
