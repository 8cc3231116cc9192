/** What stands between the node and its packs: nearer tiers, and who reads ahead. */
import type { Blocks } from '@ipfs-kit/blocks'
import type { Scope } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import type { CallOptions } from './ipfs.ts'

/** The packs as a cache reads them. */
export type CachedBlocks = Pick<
  Blocks,
  'put' | 'get' | 'getRange' | 'has' | 'size' | 'delete' | 'list' | 'lease' | 'stats'
>

/** The CIDs that a block links to, in its order; none where they cannot be read. */
export type LinksOf = (cid: CID, bytes: Uint8Array) => readonly CID[]

/** Blocks by CID, from wherever they are nearest. What it gives was verified, and belongs to the caller. */
export interface BlockCache extends AsyncDisposable {
  /** @throws what the packs throw */
  get(cid: CID, options?: CallOptions): Promise<Uint8Array | undefined>
  size(cid: CID, options?: CallOptions): Promise<number | undefined>
  /** A block was removed from the packs, or many were. What was read before is not answered from here on. */
  forget(cid?: CID): void
  /**
   * A reader, which may read ahead. What it begins ends with it.
   *
   * @param scope - whose tasks that is
   * @param linksOf - the links that it will follow
   */
  reader(scope: Scope, linksOf: LinksOf): BlockReader
}

/** Reads the blocks of a DAG one after the other. */
export interface BlockReader extends AsyncDisposable {
  get(cid: CID, options?: CallOptions): Promise<Uint8Array | undefined>
  /** A block that whoever reads has already: what it links to comes next. */
  pass(cid: CID, bytes: Uint8Array): void
}

/** Makes the cache of a node. Its packs are open; they are closed after it. */
export type CreateBlockCache = (packs: CachedBlocks, linksOf: LinksOf) => BlockCache

/** No cache: each read asks the packs. */
export const directly = (packs: Pick<CachedBlocks, 'get' | 'size'>): BlockCache => ({
  get: (cid, options) => packs.get(cid, options),
  size: (cid, options) => packs.size(cid, options),
  forget() {},
  reader: () => ({
    get: (cid, options) => packs.get(cid, options),
    pass() {},
    [Symbol.asyncDispose]: nothing,
  }),
  [Symbol.asyncDispose]: nothing,
})

async function nothing(): Promise<void> {}
