/**
 * A filesystem whose files and folders are CIDs, with a journal: what was answered is there again after a crash.
 *
 * @packageDocumentation
 */
export { JournalError, journalErrors, type JournalErrorCode } from './errors.ts'
export type {
  CallOptions,
  Checkpoint,
  CheckpointOptions,
  FileRange,
  Files,
  Journal,
  JournalStats,
  ListedEntry,
  ListOptions,
  ListPage,
  PassedCheckpoint,
  MountOptions,
  PutOptions,
  RangeOptions,
  ReadOptions,
  Recovery,
  Snapshot,
  Stat,
  Transaction,
  TransactionOptions,
  TransactionStatus,
  TreeSample,
  UnmountOptions,
} from './journal.ts'
export type { Alert, AlertName, JournalFigures, JournalHealth } from './monitor/health.ts'
export type { AlertThresholds } from './monitor/thresholds.ts'
export type {
  BlockMove,
  BlockPlace,
  BlocksOptions,
  BlocksProgress,
  JournalTiers,
  TieredFiles,
  TierMoveReport,
  TierPin,
  TierReport,
  TierShare,
} from './tiers/tiers.ts'
export { plotTree, type PlotTreeOptions } from './plot-tree.ts'
export { openJournal, type JournalOptions, type TreeBlocks } from './open-journal.ts'
export type {
  Difference,
  HistoryOptions,
  KeptReference,
  PathChange,
  PathHistory,
  PathOptions,
  PathVersion,
  RecoverReport,
  TreeDamage,
  TreeReference,
  TreeVerified,
  VerifyOptions,
  Versions,
} from './versions.ts'
