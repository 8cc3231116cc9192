/**
 * The operations of a journal, as entries for the table that `kit` joins: `fs.*` for the tree, and `journal.*` for how it is kept.
 * Each needs the part `journal`; those that take or give content by its CID need `ipfs` too.
 *
 * @packageDocumentation
 */
import { fsChmod, fsMkdir, fsMv, fsRm, fsTouch, fsTruncate } from './operations/change.ts'
import { fsCp, fsExport, fsPut } from './operations/content.ts'
import { fsHistory } from './operations/history.ts'
import { fsLs, fsRead, fsStat } from './operations/look.ts'
import { fsMount, fsRemoveAttribute, fsSetAttribute, fsUnmount } from './operations/marks.ts'
import { journalHealth } from './operations/health.ts'
import { journalPlot, journalPlotSvg, journalSamples } from './operations/plot.ts'
import { fsReadFile } from './operations/read-file.ts'
import { fsFlush, journalCheckpoint, journalStatus } from './operations/state.ts'
import { fsMoveToTier, fsPinToTier, fsTierPins, fsTiers, fsUnpinFromTier } from './operations/tiers.ts'
import {
  journalBegin,
  journalCommit,
  journalRollback,
  journalTransactions,
} from './operations/transactions.ts'
import { journalRecover, journalVerify } from './operations/verify.ts'
import {
  fsDiff,
  fsRemoveSnapshot,
  fsRestore,
  fsSnapshot,
  fsSnapshots,
  journalCheckpoints,
} from './operations/versions.ts'
import { fsWriteFile } from './operations/write-file.ts'
import { fsWrite } from './operations/write.ts'

export type { Content } from './operations/fields.ts'
export type { ChangeSlice, FilesSlice, JournalSlice } from './operations/part.ts'

/** All entries of this package. */
export const journalOperations = [
  fsStat,
  fsLs,
  fsRead,
  fsReadFile,
  fsWrite,
  fsWriteFile,
  fsTruncate,
  fsChmod,
  fsTouch,
  fsMkdir,
  fsRm,
  fsMv,
  fsCp,
  fsPut,
  fsExport,
  fsSetAttribute,
  fsRemoveAttribute,
  fsMount,
  fsUnmount,
  fsFlush,
  fsTiers,
  fsMoveToTier,
  fsPinToTier,
  fsUnpinFromTier,
  fsTierPins,
  fsSnapshot,
  fsSnapshots,
  fsRemoveSnapshot,
  fsDiff,
  fsRestore,
  fsHistory,
  journalStatus,
  journalHealth,
  journalSamples,
  journalPlot,
  journalPlotSvg,
  journalCheckpoint,
  journalCheckpoints,
  journalVerify,
  journalRecover,
  journalBegin,
  journalCommit,
  journalRollback,
  journalTransactions,
] as const
