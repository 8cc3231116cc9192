/** What several tests of the simulated disk begin with. */
import type { Disk, DiskFile, SimDisk, SimDiskOptions } from '@ipfs-kit/disk'
import { simDisk } from '@ipfs-kit/disk'

/** A disk with the folder `/f`, and without short writes. */
export async function freshDisk(seed: number, faults: SimDiskOptions['faults'] = {}): Promise<SimDisk> {
  const disk = simDisk({ seed, faults: { shortWrites: 0, ...faults } })
  await disk.makeFolder('/f')
  return disk
}

/** A file whose name and bytes are on the medium. */
export async function syncedFile(disk: Disk, path: string, bytes: Uint8Array): Promise<DiskFile> {
  const file = await disk.open(path, 'create')
  await disk.syncFolder(path.slice(0, path.lastIndexOf('/')))
  await file.write([bytes], 0)
  await file.sync()
  return file
}

/** All bytes of a file; `undefined` if it is not there. */
export async function bytesAt(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  const stat = await disk.stat(path)
  if (stat === undefined) return undefined
  const file = await disk.open(path, 'read')
  const bytes = new Uint8Array(stat.size)
  await file.read(bytes, 0)
  await file.close()
  return bytes
}

/** Bytes of one value. */
export function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value)
}
