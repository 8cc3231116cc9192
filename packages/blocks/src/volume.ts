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

/** Bounds of what a volume allows for packs. They differ by what was written and removed while it was asked. */
export interface VolumeBytes {
  readonly least: number
  readonly most: number
}

/** Asks a volume. Packs come and go meanwhile, and nobody can tell whether the answer is from before or after that. */
export function createVolume(options: VolumeOptions): () => Promise<VolumeBytes> {
  const { disk, path, packs, room, minFreeBytes, minFreeInodes } = options
  const sum = (bytesOf: (pack: Pack) => number): number =>
    packs.reduce((bytes, pack) => bytes + (pack === undefined ? 0 : bytesOf(pack)), 0)
  return async () => {
    const before = packs.filter((pack) => pack !== undefined).map((pack) => ({ pack, bytes: pack.room }))
    const written = room.used - sum(unwrittenBytes)
    const { freeBytes, freeInodes } = await disk.freeSpace(path)
    if (freeInodes < minFreeInodes) return { least: room.used, most: room.used }
    const removed = before.filter(({ pack }) => pack.state === 'gone')
    const removedBytes = removed.reduce((bytes, { bytes: one }) => bytes + one, 0)
    const uncounted = removed.reduce((bytes, { pack, bytes: one }) => bytes + one - pack.room, 0)
    const free = freeBytes - minFreeBytes
    return {
      least: written - removedBytes + free,
      most: room.used - sum(unusedBytes) + uncounted + free,
    }
  }
}

/** Bytes that a pack has taken of the quota, and that are not on the volume as far as is known. */
function unwrittenBytes(pack: Pack): number {
  return pack.state === 'open' ? Math.max(0, pack.room - physicalBytes(pack.writtenEnd)) : 0
}

/** The same without those that may be being written. */
function unusedBytes(pack: Pack): number {
  return pack.state === 'open' ? Math.max(0, pack.room - physicalBytes(pack.dataEnd)) : 0
}
