/** The block store of a node: memory before the packs, and readers that are read ahead of. */
import { createBlocksBackend, keyOfBlock } from '@ipfs-kit/blocks'
import type { CachePart } from '@ipfs-kit/cache/operations'
import { createPrefetcher } from '@ipfs-kit/cache/predictive'
import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import type { BlockCache, BlockReader, CachedBlocks, LinksOf } from '@ipfs-kit/ipfs'
import { CacheError } from '@ipfs-kit/cache'
import { type CallOptions, StorageError } from '@ipfs-kit/storage'
import { CID } from 'multiformats/cid'

/** The cache of a node, as the node reads through it, and as its operations ask it. */
export interface NodeCache extends BlockCache {
  readonly part: CachePart
}

/** Options of {@link createNodeCache}. */
export interface NodeCacheOptions {
  /** Bytes of blocks in memory; 0: none. */
  readonly memoryBytes: number
}

/** What the text of each CID of version 1 begins with whose block has no links. */
const rawPrefix = 'bafk'
/** Largest block that a node takes. */
const maxBlockBytes = 16_777_216
/** From a disk of this machine a smaller block is read sooner than it would be foreseen. */
const aheadFromBytes = 65_536
/** How fast the mean of sizes follows what is read. */
const meanShare = 1 / 8

/** Makes the cache of a node over its open packs. What it answers is a copy: nobody can change what others get. */
export function createNodeCache(
  packs: CachedBlocks,
  linksOf: LinksOf,
  { memoryBytes }: NodeCacheOptions,
): NodeCache {
  const blocks = createBlocksBackend(packs, { name: 'blocks', failureDomain: 'home', durability: 'cached' })
  const memory = memoryBytes === 0 ? undefined : createMemoryTier({ maxBytes: memoryBytes })
  const store = tiered(memory === undefined ? [blocks] : [memory, blocks], {
    name: 'node',
    maxWholeBytes: maxBlockBytes,
    // What is read once, as a scan does, takes no room: only what comes back gets some.
    promoteAfterHits: 2,
    tiers: { blocks: { timeoutMs: Number.POSITIVE_INFINITY, usage: () => usageOf(packs) } },
    // It is this machine's own disk: a sector that cannot be read is no reason to leave the others alone.
    breaker: { failures: Number.MAX_SAFE_INTEGER },
  })
  const linksBelow = (key: string, bytes: Uint8Array | undefined, follow = linksOf): readonly string[] =>
    bytes === undefined || key.startsWith(rawPrefix) ? [] : follow(CID.parse(key), bytes).map(String)
  const prefetcher = createPrefetcher<Uint8Array | undefined>({
    name: 'node',
    // From a disk of this machine more would come no sooner, and is lost when a reader leaves.
    maxBlocks: 8,
    maxBytes: 8_388_608,
    fetch: (key, { signal }) => store.getBytes(key, { signal }),
    // What was fetched is in memory already, by its promotion.
    cache: { get: (key) => store.peek(key), has: (key) => store.inMemory(key), set() {} },
    linksOf: linksBelow,
    sizeOf: (bytes) => bytes?.byteLength ?? 0,
  })
  return {
    part: { store, prefetcher, linksOf: linksBelow },
    get: (cid, options) =>
      orFromPacks(
        async () => copyOf(await store.getBytes(cid, options)),
        () => packs.get(cid, options),
      ),
    // Packs know sizes without a read; memory may have what they have evicted.
    size: async (cid, options) => (await packs.size(cid, options)) ?? store.peek(keyOfBlock(cid))?.length,
    forget: (cid) => store.forget(cid),
    reader(scope, follow): BlockReader {
      const reader = prefetcher.reader({
        scope,
        linksOf: (key, bytes) => linksBelow(key, bytes, follow),
      })
      let meanBytes = aheadFromBytes
      const read = (cid: CID, options: CallOptions | undefined) =>
        meanBytes < aheadFromBytes ? store.getBytes(cid, options) : reader.read(cid.toString(), options)
      return {
        get: (cid, options) =>
          orFromPacks(
            async () => {
              const bytes = await read(cid, options)
              meanBytes += ((bytes?.length ?? 0) - meanBytes) * meanShare
              return copyOf(bytes)
            },
            () => packs.get(cid, options),
          ),
        pass: (cid, bytes) => reader.pass(cid.toString(), bytes),
        [Symbol.asyncDispose]: () => reader.close(),
      }
    },
    async [Symbol.asyncDispose]() {
      await prefetcher.close()
      await store.close()
      await memory?.close()
      await blocks.close()
    },
  }
}

/** What stands in the way is none of the reader's business: the packs say what is wrong with them. */
async function orFromPacks<T>(near: () => Promise<T>, packs: () => Promise<T>): Promise<T> {
  try {
    return await near()
  } catch (error) {
    if (error instanceof CacheError || error instanceof StorageError) return packs()
    throw error
  }
}

/** Bytes of their own: what a Buffer's `slice` gives is none. */
function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes && new Uint8Array(bytes)
}

function usageOf(packs: CachedBlocks): { entries: number; bytes: number; maxBytes: number } {
  const { entries, bytes, maxBytes } = packs.stats()
  return { entries, bytes, maxBytes }
}
