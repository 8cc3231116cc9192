/** Opens a disk cache: its store if it has its own, and what is in it. */
import { randomBytes } from 'node:crypto'
import { type Blocks, BlocksError, openBlocks } from '@ipfs-kit/blocks'
import { CacheError } from '../errors.ts'
import type { DiskCache, DiskCacheBlocks, DiskCacheOptions } from './disk-cache.ts'
import { checkDiskOptions } from './disk-options.ts'
import { OpenedDiskCache } from './opened-disk-cache.ts'
import { Records } from './records.ts'

/** Parts of a value are so large, or less in a small store. */
const mostPartBytes = 1_048_576
const leastPartBytes = 4096
const partsOfStore = 64

/** Names of caches that are open on a store. */
const openNames = new WeakMap<Blocks['unverified'], Set<string>>()

/**
 * Opens a disk cache, in a store that is open or in a folder of its own. All heads of values are read; what a crash or an
 * eviction has left of others is removed in the background.
 *
 * @throws TypeError, RangeError for options
 * @throws CacheError CACHE_LOCKED
 * @throws BlocksError BLOCKS_FORMAT_TOO_NEW, BLOCKS_CORRUPT_STORE, BLOCKS_IO, BLOCKS_CLOSED
 */
export async function openDiskCache(options: DiskCacheOptions): Promise<DiskCache> {
  const checked = checkDiskOptions(options)
  await using opening = new AsyncDisposableStack()
  const blocks = options.blocks ?? opening.use(await openStore(options))
  takeName(blocks, checked.name, opening)
  const storeBytes = blocks.stats().maxBytes
  const share = 2 ** Math.floor(Math.log2(Math.max(1, storeBytes / partsOfStore)))
  const opened = randomBytes(12).toString('base64url')
  let generations = 0
  const cache = new OpenedDiskCache({
    ...checked,
    records: new Records(blocks.unverified, checked.name),
    evictedPacks: () => blocks.stats().evictedPacks,
    maxValueBytes: checked.maxValueBytes ?? Math.max(1, Math.floor(storeBytes / 4)),
    partBytes: Math.min(mostPartBytes, Math.max(leastPartBytes, share)),
    nextGeneration: () => `${opened}-${(generations += 1).toString(36)}`,
    resources: opening.move(),
  })
  try {
    await cache.recover()
    return cache
  } catch (error) {
    await cache.close()
    throw error
  }
}

async function openStore({ path, disk, maxBytes, minFreeBytes }: DiskCacheOptions): Promise<Blocks> {
  try {
    return await openBlocks({
      path: path!,
      maxBytes: maxBytes!,
      ...(disk === undefined ? {} : { disk }),
      ...(minFreeBytes === undefined ? {} : { minFreeBytes }),
    })
  } catch (cause) {
    if (!(cause instanceof BlocksError) || cause.code !== 'BLOCKS_LOCKED') throw cause
    throw new CacheError('CACHE_LOCKED', `Somebody else has the store at ${path} open`, { cause })
  }
}

function takeName({ unverified }: DiskCacheBlocks, name: string, resources: AsyncDisposableStack): void {
  const names = openNames.get(unverified) ?? new Set()
  openNames.set(unverified, names)
  if (names.has(name))
    throw new CacheError('CACHE_LOCKED', `The store has an open cache of the name ${JSON.stringify(name)}`)
  names.add(name)
  resources.defer(() => {
    names.delete(name)
  })
}
