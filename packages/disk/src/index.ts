/**
 * The few file operations that stores need, as one small interface with two disks behind it: the one of the system, and
 * a simulated one that crashes, tears and fails by seed. The suite that every disk passes is at
 * `@ipfs-kit/disk/conformance`.
 *
 * @packageDocumentation
 */
export type {
  Disk,
  DiskEntry,
  DiskFile,
  DiskLock,
  DiskStat,
  DiskStatOptions,
  FreeSpace,
  OpenMode,
} from './disk.ts'
export { DiskError, diskErrors } from './errors.ts'
export type { DiskErrorCode, FaultKind } from './errors.ts'
export { nodeDisk } from './node-disk.ts'
export type { NodeDisk, NodeDiskStats } from './node-disk.ts'
export type { SimFaults, SimOperation } from './sim/faults.ts'
export type { PowerLossStats } from './sim/medium.ts'
export { simDisk } from './sim-disk.ts'
export type { SimDisk, SimDiskOptions, SimDiskStats } from './sim-disk.ts'
