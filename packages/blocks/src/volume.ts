/** What the volume allows for packs: the bytes that they take of it, and those that are free above its floor. */
import type { Disk } from '@ipfs-kit/disk'
import { type Pack, physicalBytes } from './pack.ts'
import type { Room } from './room.ts'

/** Options of {@link createVolume}. */
export interface VolumeOptions {
  readonly disk: Pick<Disk, 'freeSpace'>
  readonly path: string
  readonly packs: readonly (Pack | undefined)[]
  readonly room: Pick<Room, 'used'>
  /** Room that is left alone. */
  readonly minFreeBytes: number
  /** Files that can still be made, below which packs do not grow. */
  readonly minFreeInodes: number
}

/** It is asked so often, until packs neither grow nor go meanwhile. */
const mostTries = 3

/** Bounds of what a volume allows for packs. They differ by what was removed while it was asked. */
export interface VolumeBytes {
  readonly least: number
  readonly most: number
}

/**
 * Asks a volume. Packs come and go meanwhile, and nobody can tell whether an answer is from before or after that. If they always do,
 * what is written meanwhile is missing from both bounds: these rather allow too little, for the room that is left alone is for others.
 */
export function createVolume(options: VolumeOptions): () => Promise<VolumeBytes> {
  const { disk, path, packs, room, minFreeBytes, minFreeInodes } = options
  const sum = (bytesOf: (pack: Pack) => number): number =>
    packs.reduce((bytes, pack) => bytes + (pack === undefined ? 0 : bytesOf(pack)), 0)
  const writtenBytes = (): number => room.used - sum(unwrittenBytes)
  return async () => {
    for (let tries = 1; ; tries += 1) {
      const before = packs.filter((pack) => pack !== undefined).map((pack) => ({ pack, bytes: pack.room }))
      const written = writtenBytes()
      const { freeBytes, freeInodes } = await disk.freeSpace(path)
      if (freeInodes < minFreeInodes) return { least: room.used, most: room.used }
      const removed = before.filter(({ pack }) => pack.state === 'gone')
      const most = written + freeBytes - minFreeBytes
      const isQuiet = removed.length === 0 && writtenBytes() === written
      if (isQuiet || tries === mostTries) {
        return { least: removed.reduce((bytes, { bytes: one }) => bytes - one, most), most }
      }
    }
  }
}

/** Bytes that a pack has taken of the quota, and that are not on the volume as far as is known. */
function unwrittenBytes(pack: Pack): number {
  return pack.state === 'open' ? Math.max(0, pack.room - physicalBytes(pack.writtenEnd)) : 0
}
