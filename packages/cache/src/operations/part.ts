/** What the operations of a cache need: the part `cache`. */
import type { PrefetcherStats } from '../predictive/prefetcher.ts'
import type { Tiered } from '../tiered/tiered.ts'

/** A cache that can be asked: tiers, and who reads ahead into them, if anybody does. */
export interface CachePart {
  readonly store: Pick<Tiered, 'stats' | 'explain' | 'clear' | 'move' | 'getMany'>
  readonly prefetcher?: { stats(): PrefetcherStats }
  /** Keys that a value links to, in their order. Without it no value has links. */
  readonly linksOf?: (key: string, bytes: Uint8Array) => readonly string[]
}

/** The smallest slice of the part that an operation takes. */
export type CacheSlice<Store extends keyof CachePart['store'], Rest extends keyof CachePart = never> = {
  readonly cache: { readonly store: Pick<CachePart['store'], Store> } & Pick<CachePart, Rest>
}
