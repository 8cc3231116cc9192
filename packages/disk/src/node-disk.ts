/** The disk of the system, through `node:fs`. */
import { close, constants, fstatSync, open, readdir, rename, rmdir, statfs, unlink } from 'node:fs'
import type { Dirent, StatsFs } from 'node:fs'
import { checkLinks, checkMode, checkPath } from './checks.ts'
import type { Disk, OpenMode } from './disk.ts'
import { createNodeFile } from './node-file.ts'
import type { NodeCounts } from './node-file.ts'
import { makeFolders, statOf, syncFolder } from './node-folders.ts'
import { checkLockable, takeNodeLock } from './node-lock.ts'
import {
  createPromptCalls,
  promptReadBytes,
  promptWriteBytes,
  readsPerTurn,
  writesPerTurn,
} from './prompt-calls.ts'
import { createPromptSyncs } from './prompt-syncs.ts'
import { kindOf, told } from './node-stat.ts'
import { systemCall } from './system-call.ts'
import { refused, refusedWith, systemCodeOf } from './system-error.ts'

/** What a disk of the system did since it was made. */
export interface NodeDiskStats extends Readonly<NodeCounts> {
  /** Reads at once that took longer than 1 ms. */
  readonly slowReads: number
  /** Reads at once that were not answered, because of slow ones before them, their size, or the turn of others. */
  readonly sentAwayReads: number
  /** Writes at once that took longer than 1 ms. */
  readonly slowWrites: number
  /** Writes at once that were not done, because of slow ones before them, their size, or the turn of others. */
  readonly sentAwayWrites: number
  /** Syncs at once that took longer than 0.5 ms. */
  readonly slowSyncs: number
  /** Syncs at once that were not done, because of slow ones before them, or because the event loop has other work. */
  readonly sentAwaySyncs: number
}

/** The disk of the system. */
export interface NodeDisk extends Disk {
  readonly name: 'node'
  stats(): NodeDiskStats
}

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = constants
/** Opening a pipe must not wait for its other end. Windows has no such flag. */
const nonBlocking = constants.O_NONBLOCK ?? 0

const flagsOf: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY | nonBlocking,
  write: O_RDWR | nonBlocking,
  create: O_RDWR | O_CREAT | nonBlocking,
  'create-new': O_RDWR | O_CREAT | O_EXCL | nonBlocking,
}

/**
 * The disk of the system. Files are made with mode 0600 and folders with 0700, less what the umask takes. Each disk has its
 * own mind about slow reads and writes, so make one for each device.
 */
export function nodeDisk(): NodeDisk {
  const prompt = {
    reads: createPromptCalls({ maxBytes: promptReadBytes, callsPerTurn: readsPerTurn }),
    writes: createPromptCalls({ maxBytes: promptWriteBytes, callsPerTurn: writesPerTurn }),
    syncs: createPromptSyncs(),
  }
  const counts: NodeCounts = {
    openFiles: 0,
    reads: 0,
    promptReads: 0,
    writes: 0,
    promptWrites: 0,
    syncs: 0,
    promptSyncs: 0,
    readBytes: 0,
    writtenBytes: 0,
  }
  const sync = async (folder: string): Promise<void> => {
    counts.syncs += 1
    await syncFolder(folder)
  }
  return {
    name: 'node',
    async open(path, mode) {
      checkPath(path)
      checkMode(mode)
      const fd = await named('open', path, () =>
        systemCall<number>((done) => open(path, flagsOf[mode], 0o600, done)),
      )
      try {
        // At once: what was just opened is in memory.
        if (!fstatSync(fd).isFile()) throw refusedWith('EISDIR', 'open as a file', path)
        return createNodeFile({ path, fd, prompt, counts })
      } catch (error) {
        await systemCall<void>((done) => close(fd, (failed) => done(failed ?? null, undefined)))
        throw refused('open', path, error)
      }
    },
    async makeFolder(path) {
      checkPath(path)
      await named('make the folder', path, () => makeFolders(path, sync))
    },
    async rename(from, to) {
      checkPath(from)
      checkPath(to)
      await named(`rename to ${JSON.stringify(to)}`, from, () =>
        systemCall<void>((done) => rename(from, to, (error) => done(error, undefined))),
      )
    },
    async unlink(path) {
      checkPath(path)
      return removed('unlink', path, (done) => unlink(path, (error) => done(error, undefined)))
    },
    async removeFolder(path) {
      checkPath(path)
      return removed('remove the folder', path, (done) => rmdir(path, (error) => done(error, undefined)))
    },
    async list(path) {
      checkPath(path)
      const entries = await named('list', path, () =>
        systemCall<Dirent[]>((done) => readdir(path, { withFileTypes: true }, done)),
      )
      return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
    },
    async stat(path, { links = 'follow' } = {}) {
      checkPath(path)
      checkLinks(links)
      const found = await named('look at', path, () => statOf(path, links))
      return found && told(found)
    },
    async syncFolder(path) {
      checkPath(path)
      await named('sync the folder', path, () => sync(path))
    },
    async freeSpace(path) {
      checkPath(path)
      const volume = await named('look at the volume of', path, () =>
        systemCall<StatsFs>((done) => statfs(path, done)),
      )
      return {
        freeBytes: volume.bavail * volume.bsize,
        totalBytes: volume.blocks * volume.bsize,
        // File systems that make inodes as they need them, as btrfs does, say 0.
        freeInodes: volume.files === 0 ? Infinity : volume.ffree,
      }
    },
    async lock(path) {
      checkPath(path)
      await named('lock', path, () => checkLockable(path))
      return takeNodeLock(path)
    },
    stats: () =>
      Object.freeze({
        ...counts,
        slowReads: prompt.reads.slow,
        sentAwayReads: prompt.reads.sentAway,
        slowWrites: prompt.writes.slow,
        sentAwayWrites: prompt.writes.sentAway,
        slowSyncs: prompt.syncs.slow,
        sentAwaySyncs: prompt.syncs.sentAway,
      }),
  }
}

/** What the system refuses in `work` names the path. */
async function named<T>(doing: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw refused(doing, path, error)
  }
}

/** Whether there was something to remove. */
async function removed(
  doing: string,
  path: string,
  begin: (done: (error: Error | null, value: void) => void) => void,
): Promise<boolean> {
  try {
    await systemCall(begin)
    return true
  } catch (error) {
    const code = systemCodeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw refused(doing, path, error)
  }
}
