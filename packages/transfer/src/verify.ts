/** Verification: both sides are read and hashed, or one side is read and held against a manifest. */
import { currentScope } from '@ipfs-kit/concurrency'
import { createByteRate } from './byte-rate.ts'
import type { EndItem, ReadableEnd, WritableEnd } from './end.ts'
import { TransferError } from './errors.ts'
import { inScope } from './in-scope.ts'
import { manifestEnd, type Manifest, type ManifestEntry } from './manifest.ts'
import { checkRead, type ReadOptions } from './options.ts'
import { emptyReport, type ItemOutcome, type TransferReport } from './outcome.ts'
import { pairOf, type Pair } from './pair.ts'
import { runPass, type Pass } from './pass.ts'
import { pathFilter } from './path-filter.ts'
import { pairedItems, type PairedItem } from './plan.ts'
import { hashSource, hashTarget, type Reading } from './read-item.ts'
import { shownPath } from './shown-path.ts'
import { Tally, type ItemTally, type TransferProgress } from './tally.ts'

/** A verification whose options are checked. */
export interface Verifying extends Omit<Pass<PairedItem>, 'items' | 'work'> {
  readonly pair: Pair
  readonly filter: (path: string) => boolean
  readonly bytesPerSecond: number | undefined
  readonly onProgress: (progress: TransferProgress) => void
  /** What the bytes of an object of the source are: read, or as a manifest says. */
  readonly expected: (item: EndItem, reading: Reading) => Promise<string>
  /** What becomes of objects that only the target has. */
  readonly extras: 'fail' | 'ignore'
  /** Told of each object that both sides are proven to have. */
  readonly onProven?: ((entry: ManifestEntry) => void) | undefined
}

/**
 * Reads both sides and compares their bytes, whatever digests they tell. What is different, missing or extra on the target
 * is a failed object; nothing is changed.
 *
 * @returns what was found, counted: `same` and `failed`
 * @throws TypeError, RangeError for options that are unknown or wrong
 * @throws TransferError `TRANSFER_SHAPE`, `TRANSFER_OVERLAP`, `TRANSFER_NOT_SUPPORTED`, `TRANSFER_SOURCE_MISSING`,
 *   `TRANSFER_TOO_MANY_FAILURES`, and the error of an end that is closed, gone or cannot be listed
 */
export async function verify(
  source: ReadableEnd,
  target: WritableEnd,
  options: ReadOptions = {},
): Promise<TransferReport> {
  const verifying = verifyOf(source, target, options)
  return await inScope('verify', () => runVerify({ ...verifying, report: emptyReport }), options.signal)
}

/**
 * Reads all objects of an end and holds them against a manifest, as {@link verify} holds a target against its source.
 *
 * @throws as {@link verify}
 */
export async function verifyManifest(
  manifest: Manifest,
  target: WritableEnd,
  options: ReadOptions = {},
): Promise<TransferReport> {
  const expected = async ({ sha256 }: EndItem): Promise<string> => sha256!
  const verifying = { ...verifyOf(manifestEnd(manifest), target, options), expected }
  return await inScope('verify', () => runVerify({ ...verifying, report: emptyReport }), options.signal)
}

/** A verification whose options are checked. */
export function verifyOf(
  source: ReadableEnd,
  target: WritableEnd,
  options: ReadOptions,
): Omit<Verifying, 'report'> {
  return {
    ...checkRead(options, [], 'verify'),
    filter: pathFilter(options),
    pair: pairOf(source, target, { write: false, prune: false, remove: false }),
    expected: ({ path }, reading) => hashSource(source, path, reading),
    extras: 'fail',
  }
}

/** Runs a verification in the running scope. */
export async function runVerify(verifying: Verifying): Promise<TransferReport> {
  const { pair, filter, onProven, reached, extras } = verifying
  const tally = new Tally(verifying.onProgress)
  tally.resume(verifying.report.items, 0)
  const rate = createByteRate(verifying.bytesPerSecond)
  tally.enter('list')
  const items = async function* (signal: AbortSignal): AsyncGenerator<PairedItem> {
    for await (const item of pairedItems(pair, filter, signal)) {
      if (item.source !== undefined || extras === 'fail') yield item
    }
  }
  for await (const item of items(currentScope().signal)) {
    if (reached?.isDone(item.path) !== true) tally.expect({ items: 1, bytes: expectedOf(item) })
  }
  tally.begin()
  const report = await runPass({
    ...verifying,
    items,
    work: async (item, signal) => {
      const one = tally.item(expectedOf(item))
      try {
        const entry = await prove(verifying, item, { rate, signal, onBytes: one.moved }, one)
        one.end()
        onProven?.(entry)
        const { path, size, sha256 } = entry
        return { path, outcome: 'same', bytes: size, sha256, isRemoved: false } satisfies ItemOutcome
      } catch (error) {
        one.fail()
        throw error
      }
    },
  })
  tally.end()
  return report
}

function expectedOf({ source, target }: PairedItem): number {
  return source === undefined || target === undefined ? 0 : source.size + target.size
}

/** @throws TransferError `TRANSFER_NOT_EQUAL`, `TRANSFER_MISSING`, `TRANSFER_EXTRA`, and that of an end that cannot be read */
async function prove(
  { pair: { source, target }, expected }: Verifying,
  { path, source: from, target: to }: PairedItem,
  reading: Reading,
  tally: ItemTally,
): Promise<ManifestEntry> {
  const shown = shownPath(path)
  if (from === undefined) {
    throw new TransferError('TRANSFER_EXTRA', `${target.name} has ${shown}, which ${source.name} has not`)
  }
  tally.enter('verify')
  const found = to === undefined ? undefined : await hashTarget(target, path, reading)
  if (found === undefined) throw new TransferError('TRANSFER_MISSING', `${target.name} has not ${shown}`)
  const sha256 = await expected(from, reading)
  if (found !== sha256) {
    throw new TransferError(
      'TRANSFER_NOT_EQUAL',
      `${target.name} has for ${shown} the SHA-256 ${found}, and ${source.name} has ${sha256}`,
    )
  }
  const cid = from.cid ?? to!.cid
  return { path, size: from.size, sha256, ...(cid !== undefined && { cid }) }
}
