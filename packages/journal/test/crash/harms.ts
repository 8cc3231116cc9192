/** What goes wrong with a disk besides crashes. */
import type { SimDisk } from '@ipfs-kit/disk'
import { whole } from './writer.ts'

/** One operation fails. */
export function failOnce(disk: SimDisk): void {
  const kind = (['write', 'sync', 'read', 'any', 'unlink', 'open'] as const)[whole(6)]!
  disk.failAt(kind, 1 + whole(200), whole(3) === 0 ? 'ENOSPC' : 'EIO')
}

/** Reads and writes fail now and then. */
export function failNowAndThen(disk: SimDisk): void {
  disk.setFaults({ readErrors: 0.01, writeErrors: 0.02, syncErrors: 0.002, shortWrites: 0.3, slowReads: 0.5 })
}

/** The volume has little room. */
export function fillVolume(disk: SimDisk): void {
  disk.setFaults({ capacityBytes: disk.stats().usedBytes + 20_000 + whole(300_000) })
}
