/**
 * The operations of a log of operations, as entries for the table that `kit` joins: `wal.*` for the log itself, and `jobs.*` for
 * operations as users see them. Each needs the part `wal`.
 *
 * @packageDocumentation
 */
import { walAppend, walGet, walList } from './operations/append.ts'
import { walCancel, walDelete, walRetry } from './operations/control.ts'
import { walArchive, walExport } from './operations/export.ts'
import { jobsFollow } from './operations/follow.ts'
import {
  jobsCancel,
  jobsList,
  jobsPause,
  jobsResume,
  jobsRetry,
  jobsShow,
  jobsWait,
} from './operations/jobs.ts'
import { walHealth } from './operations/health.ts'
import { walReplay } from './operations/replay.ts'
import { walConfig, walStats } from './operations/state.ts'
import { walRebuildIndex, walVerify } from './operations/verify.ts'

export type { Job } from './operations/job.ts'
export type { VerifiedWal, WalSlice } from './operations/part.ts'
export {
  jobsCancel,
  jobsFollow,
  jobsList,
  jobsPause,
  jobsResume,
  jobsRetry,
  jobsShow,
  jobsWait,
  walAppend,
  walArchive,
  walCancel,
  walConfig,
  walDelete,
  walExport,
  walGet,
  walHealth,
  walList,
  walRebuildIndex,
  walReplay,
  walRetry,
  walStats,
  walVerify,
}

/** All entries of this package. */
export const walOperations = [
  walAppend,
  walList,
  walGet,
  walRetry,
  walCancel,
  walDelete,
  walStats,
  walConfig,
  walHealth,
  walReplay,
  walExport,
  walArchive,
  walVerify,
  walRebuildIndex,
  jobsList,
  jobsShow,
  jobsWait,
  jobsCancel,
  jobsPause,
  jobsResume,
  jobsRetry,
  jobsFollow,
] as const
