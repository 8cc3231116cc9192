/**
 * The log of operations of a kit, with its jobs. A server has it open from the beginning; a command opens it with the first call
 * that needs it, since most commands do not.
 */
import type { BorrowedParts } from '@ipfs-kit/operations'
import type { Wal } from '@ipfs-kit/wal'
import { CID } from 'multiformats/cid'
import type { Config } from './config.ts'
import { hasFiles, type Home } from './home.ts'
import type { LentWal } from './job-call.ts'
import { jobKinds } from './job-entries.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { ipfsIfOpen, ipfsPart, lendParts, walPart } from './lending.ts'
import { createMigrateJob, migrateType } from './migrate-job.ts'
import type { Parts } from './parts.ts'
import { openWalPart } from './wal.ts'

/** The log of a kit. */
export interface KitLog {
  readonly jobs: Jobs
  /** Opens it, unless that was tried already. The part `wal` tells what came of it. */
  open(): Promise<void>
  /** What unfinished jobs need, as it is now. The node is told when there is more. Throws as `Parts.borrow`, but waits while the part restarts. */
  roots(): AsyncGenerator<CID, void, undefined>
}

/** What {@link createKitLog} takes. */
export interface KitLogOptions {
  readonly parts: Parts
  readonly home: Home
  readonly config: Config
  readonly role: 'server' | 'command'
}

/** Makes the log of a kit, not open yet. */
export function createKitLog({ parts, home, config, role }: KitLogOptions): KitLog {
  const lend = (names: readonly string[]): BorrowedParts => lendParts(parts, names)
  const jobs = createJobs({ lend, lendWal })
  const migration = createMigrateJob(lend)
  const types = {
    ...Object.fromEntries(jobKinds.map((kind) => [kind.type, jobs.handlerOf(kind)])),
    [migrateType]: migration.handler,
  }
  /** Whether there may be records: this or an opening before has made them. */
  let hasRecords = hasFiles(home.log)
  let opening: Promise<unknown> | undefined

  async function openPart(): Promise<Wal> {
    await using opening = new AsyncDisposableStack()
    const wal = opening.use(
      await openWalPart({
        ...{ path: home.log, config: config.log, types, role, onRetained },
        probe: () => probe(parts),
      }),
    )
    hasRecords = true
    ipfsIfOpen(parts)?.store.noteRetained()
    if (ipfsIfOpen(parts)?.migration !== undefined) await migration.promise(wal)
    opening.move()
    return wal
  }

  function onRetained(cids: readonly string[]): void {
    ipfsIfOpen(parts)?.store.noteRetained(cids.map((cid) => CID.parse(cid)))
  }

  async function open(): Promise<void> {
    // The part keeps why it could not be opened, and tells whoever borrows it.
    opening ??= Promise.allSettled([parts.open(walPart, openPart)])
    await opening
  }

  async function lendWal(): Promise<LentWal> {
    await open()
    return lentOf(parts.borrow([walPart]))
  }

  /** Who asks is about to let blocks go, perhaps for a writer: a log that is closed for a moment is no reason to refuse that. */
  async function retainedCids(): Promise<readonly string[]> {
    await open()
    for (;;) {
      const { wal, signal, release } = lentOf(await parts.borrowSettled([walPart]))
      try {
        return await wal.retainedCids()
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        release()
      }
    }
  }

  return {
    jobs,
    open,
    async *roots() {
      await opening
      // Where there are no records there is no job, also if the disk is too full to make the log.
      if (!hasRecords) return
      for (const cid of await retainedCids()) yield CID.parse(cid)
    },
  }
}

function lentOf(borrowed: BorrowedParts): LentWal {
  return { ...borrowed, wal: borrowed.parts[walPart] as Wal, release: () => borrowed.release() }
}

/** Whether jobs find what they work on. */
function probe(parts: Parts): string {
  parts.current(ipfsPart)
  return `the part ${ipfsPart} is open`
}
