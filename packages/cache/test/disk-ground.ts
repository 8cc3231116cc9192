/** What the tests of the disk cache open and compare. */
import type { Blocks } from '@ipfs-kit/blocks'
import { checkpoint, sleep } from '@ipfs-kit/concurrency'
import {
  type DiskCache,
  type DiskCacheBlocks,
  type DiskCacheOptions,
  openDiskCache,
} from '@ipfs-kit/cache/disk'
import { type Disk, simDisk } from '@ipfs-kit/disk'

export const mib = 1024 * 1024

/** A cache in a folder of a simulated disk. Its parts have 16 KiB unless `maxBytes` is more than 1 MiB. */
export function openOn(disk: Disk, options: Partial<DiskCacheOptions> = {}): Promise<DiskCache> {
  return openDiskCache({ path: '/cache', disk, maxBytes: mib, minFreeBytes: 0, ...options })
}

export function open(options: Partial<DiskCacheOptions> = {}): Promise<DiskCache> {
  return openOn(simDisk({ seed: 1 }), options)
}

/** A store in which some calls on records are others. */
export function storeWith(blocks: Blocks, calls: Partial<Blocks['unverified']>): DiskCacheBlocks {
  const { unverified } = blocks
  return {
    stats: () => blocks.stats(),
    unverified: {
      put: (...given) => unverified.put(...given),
      get: (...given) => unverified.get(...given),
      getRange: (...given) => unverified.getRange(...given),
      has: (...given) => unverified.has(...given),
      list: (...given) => unverified.list(...given),
      delete: (...given) => unverified.delete(...given),
      ...calls,
    },
  }
}

/** Bytes of a value that no other number has. */
export function bytesOf(number: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 1) bytes[at] = (number * 31 + at * 7 + (at >>> 8)) & 255
  return bytes
}

/** The bytes in chunks. */
export async function* chunked(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

/** All keys in the order of the listing. */
export async function keysOf(cache: DiskCache, prefix = '', limit = 1000): Promise<string[]> {
  const keys: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await cache.list({ prefix, limit, ...(cursor === undefined ? {} : { cursor }) })
    keys.push(...page.entries.map(({ key }) => key))
    cursor = page.cursor
    if (cursor === undefined) return keys
  }
}

export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'no error'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** Waits until a number is reached by what runs in the background. A simulated disk needs time to pass. */
export async function comesTo(number: () => number, wanted: number): Promise<void> {
  for (let turns = 0; number() !== wanted; turns += 1) {
    if (turns > 10_000) throw new Error(`It stays at ${number()} and does not come to ${wanted}`)
    await (turns < 100 ? checkpoint() : sleep(1))
  }
}
