/**
 * The log of operations of a kit, with its jobs. A server has it open from the beginning; a command opens it with the first call
 * that needs it, since most commands do not.
 */
import { readdirSync } from 'node:fs'
import { createOwner } from '@ipfs-kit/concurrency'
import type { Ipfs } from '@ipfs-kit/ipfs'
import type { BorrowedParts } from '@ipfs-kit/operations'
import type { Wal } from '@ipfs-kit/wal'
import { CID } from 'multiformats/cid'
import type { Config } from './config.ts'
import type { Home } from './home.ts'
import type { LentWal } from './job-call.ts'
import { jobKinds } from './job-entries.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { ipfsPart, lendParts, walPart } from './lending.ts'
import { createMigrateJob, migrateType } from './migrate-job.ts'
import type { OpenNode } from './node.ts'
import type { Parts } from './parts.ts'
import { openWalPart } from './wal.ts'

/** The log of a kit. */
export interface KitLog {
  readonly jobs: Jobs
  /** Opens it, unless that was tried already. The part `wal` tells what came of it. */
  open(): Promise<void>
  /** What unfinished jobs need, as it is now. The node is told when there may be more. */
  roots(): AsyncGenerator<CID, void, undefined>
  /** Tells the node nothing any more. Before the part is closed. */
  close(): Promise<void>
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
  /** Whether an opening before this one has left records. */
  const hadRecords = hasFiles(home.log)
  let opening: Promise<unknown> | undefined
  const owner = createOwner({ name: 'log of the kit' })

  async function openPart(): Promise<Wal> {
    await using opening = new AsyncDisposableStack()
    const wal = opening.use(
      await openWalPart({ path: home.log, config: config.log, types, probe: () => probe(parts), role }),
    )
    if (openIpfs()?.migration !== undefined) await migration.promise(wal)
    opening.move()
    owner.spawn(() => tellOfRoots(wal), { name: 'roots of jobs' })
    return wal
  }

  /** The node, unless it is not open: the next one asks for all roots before it lets anything go. */
  function openIpfs(): Ipfs | undefined {
    const isOpen = parts.list().some(({ name, state }) => name === ipfsPart && state === 'running')
    return isOpen ? (parts.current(ipfsPart) as OpenNode).ipfs : undefined
  }

  /** Until the log is closed: an operation is queued when it is promised, and when it is to be tried again. */
  async function tellOfRoots(wal: Wal): Promise<void> {
    openIpfs()?.store.noteRetained()
    for await (const change of wal.follow({ states: ['queued'] })) {
      const roots = 'operation' in change ? change.operation.cids.map((cid) => CID.parse(cid)) : undefined
      openIpfs()?.store.noteRetained(roots)
    }
  }

  async function open(): Promise<void> {
    // The part keeps why it could not be opened, and tells whoever borrows it.
    opening ??= Promise.allSettled([parts.open(walPart, openPart)])
    await opening
  }

  async function lendWal(): Promise<LentWal> {
    await open()
    const borrowed = parts.borrow([walPart])
    return { ...borrowed, wal: borrowed.parts[walPart] as Wal, release: () => borrowed.release() }
  }

  return {
    jobs,
    open,
    async *roots() {
      // Where there are no records there is no job, also if the disk is too full to make the log.
      if (!hadRecords && (opening === undefined || hasFailed(parts))) return
      const { wal, release } = await lendWal()
      let cids: readonly string[]
      try {
        cids = await wal.retainedCids()
      } finally {
        release()
      }
      for (const cid of cids) yield CID.parse(cid)
    },
    close: () => owner.close(),
  }
}

/** Whether a folder has files. What cannot be listed may have some. */
function hasFiles(path: string): boolean {
  try {
    return readdirSync(path).length > 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}

function hasFailed(parts: Parts): boolean {
  return parts
    .list()
    .some(({ name, state, restarts }) => name === walPart && state === 'failed' && restarts === 0)
}

/** Whether jobs find what they work on. */
function probe(parts: Parts): string {
  parts.current(ipfsPart)
  return `the part ${ipfsPart} is open`
}
