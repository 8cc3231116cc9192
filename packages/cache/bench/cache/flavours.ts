/** The caches that are measured: one in a process, since two modes of lru-cache in one make it slow. */
import { createMemoryCache } from '@ipfs-kit/cache'
import { createArcCache } from '@ipfs-kit/cache/arc'
import { LRUCache } from 'lru-cache'

/** What all of them can do. */
export interface Measurable {
  get(key: string): unknown
  has(key: string): boolean
  set(key: string, value: number): unknown
}

/** Makes a cache of so many entries, with its default options. */
export const flavours: Readonly<Record<string, (entries: number) => Measurable>> = {
  'lru-cache': (entries) => new LRUCache<string, number>({ max: entries }),
  arc: (entries) => createArcCache<number>({ maxEntries: entries }),
  default: (entries) => createMemoryCache<number>({ maxEntries: entries }),
}
