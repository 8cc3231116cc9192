/** A cache on a disk. */
export type {
  AgeGroup,
  ClearOptions,
  DiskCache,
  DiskCacheBlocks,
  DiskCacheEntry,
  DiskCacheOptions,
  DiskCachePutOptions,
  DiskCacheStats,
  Tally,
  TouchOptions,
} from './disk/disk-cache.ts'
export { openDiskCache } from './disk/open-disk-cache.ts'
