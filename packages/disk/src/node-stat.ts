/** What the system says of a file, in the words of this package. */
import type { BigIntStats } from 'node:fs'
import type { DiskEntry, DiskStat } from './disk.ts'

export function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): DiskEntry['kind'] {
  if (entry.isFile()) return 'file'
  return entry.isDirectory() ? 'folder' : 'other'
}

/** In big integers, since a double does not tell two times of a nanosecond apart. */
export function told(stats: BigIntStats): DiskStat {
  const kind = kindOf(stats)
  return {
    kind,
    size: kind === 'file' ? Number(stats.size) : 0,
    modifiedMs: Number(stats.mtimeNs) / 1e6,
    version: `${stats.ino}.${stats.size}.${stats.mtimeNs}`,
  }
}
