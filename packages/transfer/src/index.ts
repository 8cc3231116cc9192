/**
 * Copy, sync, move, verify and migrate between any two ends: each object is hashed as it is read, written whole or not at all,
 * and proven. As jobs of the log of operations they go on after a crash.
 *
 * @packageDocumentation
 */
export { backendEnd } from './backend-end.ts'
export type { BackendEndOptions } from './backend-end.ts'
export { copy, move, plan, sync } from './copy.ts'
export type { PlannedItem, PlanOptions } from './copy.ts'
export type { EndCall, EndItem, EndSupports, EndWrite, OpenedItem, ReadableEnd, WritableEnd } from './end.ts'
export { TransferError, transferErrors } from './errors.ts'
export type { TransferErrorCode } from './errors.ts'
export { transferJobs } from './jobs.ts'
export type { OpenedEnd, TransferJobsOptions, TransferJobType } from './jobs.ts'
export { readManifest, writeManifest } from './manifest.ts'
export type { Manifest, ManifestCopy, ManifestEntry, WrittenManifest } from './manifest.ts'
export { migrate } from './migrate.ts'
export type { MigratedManifest, MigrateOptions, MigrateReport } from './migrate.ts'
export type { CopyOptions, MoveOptions, ReadOptions, SyncOptions } from './options.ts'
export type { ItemOutcome, TransferReport } from './outcome.ts'
export type { PathChoice } from './path-filter.ts'
export type { Comparison, PlannedState } from './plan.ts'
export type { Verification } from './send-item.ts'
export type { Stage, TransferProgress } from './tally.ts'
export { verify, verifyManifest } from './verify.ts'
