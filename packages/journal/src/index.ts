/**
 * A filesystem whose files and folders are CIDs, with a journal: what was answered is there again after a crash.
 *
 * @packageDocumentation
 */
export { JournalError, journalErrors, type JournalErrorCode } from './errors.ts'
export type {
  CallOptions,
  Checkpoint,
  Files,
  Journal,
  JournalStats,
  ListedEntry,
  ListOptions,
  ListPage,
  PassedCheckpoint,
  MountOptions,
  PutOptions,
  ReadOptions,
  Recovery,
  Snapshot,
  Stat,
  Transaction,
  TransactionOptions,
  TransactionStatus,
  UnmountOptions,
} from './journal.ts'
export { openJournal, type JournalOptions, type TreeBlocks } from './open-journal.ts'
export type { Difference, KeptReference, PathOptions, TreeReference, Versions } from './versions.ts'
