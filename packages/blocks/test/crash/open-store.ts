/** Opens stores on simulated disks with chances that are the same in each run. */
import { randomBytes } from 'node:crypto'
import type { Disk } from '@ipfs-kit/disk'
import type { Blocks } from '../../src/blocks.ts'
import { type BlocksOptions, openWith } from '../../src/open-blocks.ts'
import { createTagger } from '../../src/tags.ts'
import { type Block, linksOf } from './made-blocks.ts'

/** The folder of the store. */
export const folder = '/store'

/** Bytes that come one after the other, the same in each run. */
export function fixedBytes(): (bytes: number) => Buffer {
  let next = 1
  return (bytes) => Buffer.from(Array.from({ length: bytes }, () => (next = (next * 75 + 74) % 65_537) & 255))
}

/** Opens a store with small packs and the claims that are in a list. */
export function openOn(
  disk: Disk,
  options: Partial<BlocksOptions> & { readonly claimed?: Iterable<Block> } = {},
): Promise<Blocks> {
  const { claimed, ...others } = options
  return openWith(
    {
      path: folder,
      disk,
      maxBytes: 1_048_576,
      packBytes: 65_536,
      minFreeBytes: 0,
      ...(claimed === undefined
        ? {}
        : { claims: () => [...claimed].map(({ cid }) => ({ cid })), links: linksOf }),
      ...others,
    },
    { makeTagger: createTagger, randomBytes: disk.name === 'sim' ? fixedBytes() : randomBytes },
  )
}

/** All bytes of a file. */
export async function bytesOf(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read')
  const bytes = Buffer.alloc(await file.size())
  await file.read(bytes, 0)
  await file.close()
  return bytes
}

/** Writes into a file of a store that is closed. */
export async function change(disk: Disk, path: string, position: number, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, 'write')
  await file.write([bytes], position)
  await file.close()
}

/** Cuts a file of a store that is closed. */
export async function cut(disk: Disk, path: string, size: number): Promise<void> {
  const file = await disk.open(path, 'write')
  await file.truncate(size)
  await file.close()
}
