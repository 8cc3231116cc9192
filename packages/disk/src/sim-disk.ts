/** A disk in memory that crashes, tears and fails by seed. */
import { checkBytes, checkLinks, checkMode, checkPath } from './checks.ts'
import type { Disk, DiskFile, OpenMode } from './disk.ts'
import { noFaults, withFaults } from './sim/faults.ts'
import type { SimFaults, SimOperation } from './sim/faults.ts'
import { openSimFile } from './sim/file.ts'
import { makeFolders, syncFolder } from './sim/make-folders.ts'
import { Medium } from './sim/medium.ts'
import type { PowerLossStats } from './sim/medium.ts'
import { SimNames } from './sim/names.ts'
import { SimProcess } from './sim/process.ts'
import { createSeeded } from './sim/seeded.ts'
import type { Seeded } from './sim/seeded.ts'

/** Options of {@link simDisk}. */
export interface SimDiskOptions {
  /** A whole number: decides everything that comes by chance. */
  readonly seed: number
  /** What goes wrong by chance. Default: see {@link SimFaults}. */
  readonly faults?: Partial<SimFaults>
}

/** What happened on a simulated disk, since it was made or its process began. */
export interface SimDiskStats {
  /** Operations by kind. */
  readonly operations: Readonly<Record<SimOperation, number>>
  readonly readBytes: number
  readonly writtenBytes: number
  /** Bytes that the files take, in pages of 4 KiB. */
  readonly usedBytes: number
  readonly files: number
  readonly openFiles: number
  readonly locks: number
  /** What the power losses of this disk did, all of them together. */
  readonly powerLoss: PowerLossStats
}

/**
 * A disk in memory, as one process uses it. When the process ends, by {@link SimDisk.crash} or {@link SimDisk.kill}, every
 * call rejects with `DISK_CLOSED`, and the next process uses the disk that these return.
 */
export interface SimDisk extends Disk {
  readonly name: 'sim'
  /**
   * The power is lost: what was not synced is kept, lost, torn or in another order, by seed. Gives the disk as the next
   * process finds it, the same one each time. Of a disk whose process has ended already, nothing more is lost.
   */
  crash(): SimDisk
  /** The process dies: handles and locks are gone, what was written is there. Gives the disk as the next one finds it. */
  kill(): SimDisk
  /**
   * Another disk with the same on it, unsynced changes included, and no file open: to try different ends of one beginning.
   */
  copy(seed: number): SimDisk
  /** Changes some of the faults from now on. */
  setFaults(faults: Partial<SimFaults>): void
  /** Makes the nth operation of a kind from now, 1 for the next, fail with a code of the system. Default `EIO`. */
  failAt(operation: SimOperation | 'any', nth: number, systemCode?: string): void
  /**
   * Makes a sector of a file unreadable, 0 for its first 512 bytes: reads of any of it fail with `EIO`, also after a kill or
   * a crash, until it is written over as a whole or cut off. Throws `DISK_NOT_FOUND`.
   */
  damage(path: string, sector: number): void
  /** Lets the power be lost in the middle of the nth operation of a kind from now. It and all after it reject. */
  crashAt(operation: SimOperation | 'any', nth: number): void
  /** Whether its process has ended. */
  readonly dead: boolean
  stats(): SimDiskStats
}

/** Makes an empty disk in memory. It has one folder, `/`. Works on both backends, and without real time on either. */
export function simDisk(options: SimDiskOptions): SimDisk {
  const { seed, faults = {}, ...unknown } = options
  checkSeed(seed)
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`There is no option ${name}; there are seed and faults`)
  return beginProcess(new Medium(), createSeeded(seed), withFaults(noFaults, faults))
}

function checkSeed(seed: unknown): void {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`A seed is a whole number, and not ${String(seed)}`)
}

function beginProcess(medium: Medium, random: Seeded, faults: SimFaults): SimDisk {
  const process = new SimProcess(medium, random, faults)
  const names = new SimNames(process)
  let next: SimDisk | undefined
  const end = (how: 'crash' | 'kill'): SimDisk => {
    process.end(how)
    next ??= beginProcess(medium, random.fork(), process.faults)
    return next
  }
  return {
    name: 'sim',
    get dead() {
      return process.dead
    },
    async open(path: string, mode: OpenMode): Promise<DiskFile> {
      checkPath(path)
      checkMode(mode)
      return process.operate('open', path, () =>
        openSimFile(process, names.file(path, mode), path, mode !== 'read'),
      )
    },
    async makeFolder(path) {
      checkPath(path)
      process.check(path)
      await makeFolders(process, names, path)
    },
    async rename(from, to) {
      checkPath(from)
      checkPath(to)
      await process.operate('rename', from, () => names.rename(from, to))
    },
    async unlink(path) {
      checkPath(path)
      return process.operate('unlink', path, () => names.unlink(path))
    },
    async removeFolder(path) {
      checkPath(path)
      return process.operate('removeFolder', path, () => names.removeFolder(path))
    },
    async list(path) {
      checkPath(path)
      return process.operate('list', path, () => names.list(path))
    },
    async stat(path, { links = 'follow' } = {}) {
      checkPath(path)
      checkLinks(links)
      return process.operate('stat', path, () => names.stat(path))
    },
    async syncFolder(path) {
      checkPath(path)
      await syncFolder(process, names, path)
    },
    async freeSpace(path) {
      checkPath(path)
      return process.operate('freeSpace', path, () => names.freeSpace(path))
    },
    async lock(path) {
      checkPath(path)
      return process.operate('lock', path, () => names.lock(path))
    },
    crash: () => end('crash'),
    kill: () => end('kill'),
    copy(seed) {
      checkSeed(seed)
      return beginProcess(medium.copy(), createSeeded(seed), process.faults)
    },
    setFaults: (changed) => process.setFaults(changed),
    failAt: (operation, nth, systemCode = 'EIO') => process.arm(operation, nth, systemCode),
    damage(path, sector) {
      checkPath(path)
      checkBytes(sector, 'sector')
      names.damage(path, sector)
    },
    crashAt: (operation, nth) => process.arm(operation, nth, 'crash'),
    stats: () =>
      Object.freeze({
        operations: process.operations,
        readBytes: process.bytesRead,
        writtenBytes: process.bytesWritten,
        usedBytes: medium.usedBytes,
        files: medium.files,
        openFiles: process.openFiles,
        locks: process.locks,
        powerLoss: Object.freeze(medium.losses),
      }),
  }
}
