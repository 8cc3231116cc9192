/** Migration: a copy, both sides read and compared, a manifest of what was proven, and then, if asked, the source deleted. */
import { createMemoryBackend } from '@ipfs-kit/storage'
import { backendEnd } from './backend-end.ts'
import { copyOf, moveOf, type Direct } from './copy.ts'
import type { WritableEnd } from './end.ts'
import { TransferError } from './errors.ts'
import { inScope } from './in-scope.ts'
import { copyAt, writeManifest, type ManifestEntry } from './manifest.ts'
import { oneOf, type MoveOptions } from './options.ts'
import { emptyReport, type TransferReport } from './outcome.ts'
import { need } from './pair.ts'
import { hashSource } from './read-item.ts'
import type { Reached } from './reached.ts'
import { runTransfer } from './transfer.ts'
import { runVerify } from './verify.ts'

/** Options of {@link migrate}. */
export interface MigrateOptions extends MoveOptions {
  /** One object, outside of source and target, where the manifest goes. One that is there is replaced. */
  readonly manifest: WritableEnd
  /** What becomes of the source when all is proven and the manifest is written. Default `keep`. */
  readonly originals?: 'keep' | 'remove'
}

/** What became of a migration. */
export interface MigrateReport extends TransferReport {
  /** Absent if an object has failed: then nothing was deleted either. */
  readonly manifest?: MigratedManifest
}

/** The manifest of a migration, as it was written. */
export interface MigratedManifest {
  readonly cid: string
  readonly address: string
  readonly entries: number
}

/** Where a migration is. */
export type MigrateStep = 'copy' | 'verify' | 'remove'

/** A migration whose options are checked, and what has been done of it. */
export interface Migration {
  readonly transfer: Direct
  /** The source, if it is deleted at the end. */
  readonly removeFrom: WritableEnd | undefined
  readonly manifestAt: WritableEnd
  readonly step: MigrateStep
  readonly report: MigrateReport
  readonly reached?: Reached | undefined
  readonly onPoint?: ((report: TransferReport) => Promise<void>) | undefined
  /** Called when a step begins; what it gives is how far that one is. */
  readonly onStep?: ((step: MigrateStep, report: MigrateReport) => Promise<Reached>) | undefined
}

/**
 * Copies, reads both sides and compares them, writes a manifest of what was proven, and deletes the source if asked. If an object
 * fails it ends after the step in which that happens.
 *
 * @throws as `copy`, and TransferError `TRANSFER_OVERLAP` and `TRANSFER_SHAPE` for the place of the manifest; `TRANSFER_BAD_MANIFEST`
 *   if it would have more than 64 MiB
 */
export async function migrate(
  source: WritableEnd,
  target: WritableEnd,
  options: MigrateOptions,
): Promise<MigrateReport> {
  const migration = migrationOf(source, target, options)
  return await inScope(
    'migrate',
    () => runMigration({ ...migration, step: 'copy', report: emptyReport }),
    options.signal,
  )
}

/** A migration whose options are checked. */
export function migrationOf(
  source: WritableEnd,
  target: WritableEnd,
  { manifest, originals = 'keep', ...options }: MigrateOptions,
): Omit<Migration, 'step' | 'report'> {
  oneOf('originals', originals, ['keep', 'remove'])
  if (manifest.shape !== 'object') {
    throw new TransferError('TRANSFER_SHAPE', `A manifest is one object, and ${manifest.name} is none`)
  }
  need(manifest, 'write')
  for (const { name, place, root, shape } of [source, target]) {
    const isInside = shape === 'prefix' ? manifest.root.startsWith(root) : manifest.root === root
    if (place === manifest.place && isInside) {
      throw new TransferError(
        'TRANSFER_OVERLAP',
        `The manifest would be among what is transferred, in ${name}`,
      )
    }
  }
  // With deletion of the originals a pair has to be able to do what a move does.
  const { removeFrom } = originals === 'remove' ? moveOf(source, target, options) : { removeFrom: undefined }
  return { transfer: copyOf(source, target, options), removeFrom, manifestAt: manifest }
}

/** Runs what is left of a migration in the running scope. */
export async function runMigration(migration: Migration): Promise<MigrateReport> {
  const { transfer, removeFrom, manifestAt, onStep } = migration
  let { step, report, reached } = migration
  const next = async (to: MigrateStep): Promise<void> => {
    step = to
    reached = await onStep?.(to, report)
  }
  if (step === 'copy') {
    report = await runTransfer({ ...transfer, report, reached, onPoint: migration.onPoint })
    if (report.failed > 0) return report
    await next('verify')
  }
  if (step === 'verify') {
    const { failed, entries } = await proveAll(migration)
    if (failed > 0) return { ...report, failed }
    report = { ...report, manifest: await writeAt(manifestAt, migration, entries) }
    await next('remove')
  }
  if (removeFrom === undefined) return report
  const { removed, failed } = await runTransfer({
    ...transfer,
    send: 'never',
    removeFrom,
    report: { ...emptyReport, removed: report.removed },
    reached,
    onPoint: async (found) => await migration.onPoint?.({ ...report, removed: found.removed }),
  })
  return { ...report, removed, failed }
}

/** Reads all of both sides. What only the target has is none of the migration. */
async function proveAll({
  transfer,
}: Migration): Promise<{ readonly failed: number; readonly entries: ManifestEntry[] }> {
  const { pair, filter, concurrency, maxFailures, bytesPerSecond, onItem, onProgress } = transfer
  const entries: ManifestEntry[] = []
  const { failed } = await runVerify({
    ...{ pair, filter, concurrency, maxFailures, bytesPerSecond, onProgress },
    // What was sent and what was the same has been told by the copy.
    onItem: (outcome) => {
      if (outcome.failure !== undefined) onItem(outcome)
    },
    expected: ({ path }, reading) => hashSource(pair.source, path, reading),
    extras: 'ignore',
    onProven: (entry) => entries.push(entry),
    report: emptyReport,
  })
  return { failed, entries }
}

async function writeAt(
  manifestAt: WritableEnd,
  { transfer: { pair, bytesPerSecond }, removeFrom }: Migration,
  entries: readonly ManifestEntry[],
): Promise<MigratedManifest> {
  const copies = [...(removeFrom === undefined ? [copyAt(pair.source)] : []), copyAt(pair.target)]
  const { cid, bytes } = writeManifest({ copies, entries })
  await using store = createMemoryBackend({ maxBytes: 2 * bytes.byteLength + 1024 })
  await store.put('manifest', bytes)
  let failure: TransferError | undefined
  await runTransfer({
    ...copyOf(backendEnd(store, 'manifest'), manifestAt, {
      onItem: (outcome) => (failure = outcome.failure),
    }),
    bytesPerSecond,
    report: emptyReport,
  })
  if (failure !== undefined) throw failure
  return { cid, address: manifestAt.name, entries: entries.length }
}
