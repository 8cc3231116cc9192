/** Copy, sync and move between two ends, and the plan of them. */
import { createByteRate } from './byte-rate.ts'
import { compareBytes } from './compare.ts'
import type { EndItem, ReadableEnd, WritableEnd } from './end.ts'
import {
  checkRead,
  checkSend,
  oneOf,
  type CopyOptions,
  type MoveOptions,
  type SyncOptions,
} from './options.ts'
import { emptyReport, type TransferReport } from './outcome.ts'
import { inScope } from './in-scope.ts'
import { checkFits, pairOf } from './pair.ts'
import { pathFilter, type PathChoice } from './path-filter.ts'
import { pairedItems, type Comparison, type PlannedState } from './plan.ts'
import { runTransfer, type Transfer } from './transfer.ts'

/** A path, and what a transfer would do about it. */
export interface PlannedItem {
  readonly path: string
  readonly state: PlannedState
  readonly source: EndItem | undefined
  readonly target: EndItem | undefined
}

/** Options of {@link plan}. */
export interface PlanOptions extends PathChoice {
  /** Default `digest`, for which bytes are read where an end tells no digest. */
  readonly compare?: Comparison
  readonly signal?: AbortSignal
}

/** A transfer between two ends, without what only a job has. */
export type Direct = Omit<Transfer, 'report' | 'reached' | 'onPoint'>

/**
 * Tells what a transfer would do, path by path, and does nothing: `new` and `different` are sent, `same` is not, `extra` is
 * deleted by a sync that deletes extras.
 *
 * @throws TypeError for options that are unknown or wrong
 * @throws TransferError as {@link copy} before it sends, and when a side cannot be read
 */
export async function* plan(
  source: ReadableEnd,
  target: WritableEnd,
  { include, exclude, compare = 'digest', signal, ...unknown }: PlanOptions = {},
): AsyncGenerator<PlannedItem, void, undefined> {
  const [other] = Object.keys(unknown)
  if (other !== undefined) throw new TypeError(`plan has no option ${JSON.stringify(other)}`)
  oneOf('compare', compare, ['digest', 'time', 'size'])
  const filter = pathFilter({ ...(include && { include }), ...(exclude && { exclude }) })
  const pair = pairOf(source, target, { write: true, prune: false, remove: false })
  const rate = createByteRate(undefined)
  const tally = { enter: () => {} }
  const ends = signal ?? new AbortController().signal
  for await (const item of pairedItems(pair, filter, ends)) {
    if (item.source === undefined) {
      yield { ...item, state: 'extra' }
      continue
    }
    const { state } = await compareBytes(pair, item, compare, { rate, signal: ends, tally })
    if (state !== 'same') checkFits(item.source, pair.target)
    yield { ...item, state }
  }
}

/**
 * Copies an object, or all that is below a prefix: what the target has not, and what is different there. Each object is read
 * once, hashed, written whole or not at all, and proven. One that fails does not end the rest: its outcome says why.
 *
 * @returns what became of it, counted
 * @throws TypeError, RangeError for options that are unknown or wrong
 * @throws TransferError before anything is sent `TRANSFER_SHAPE`, `TRANSFER_OVERLAP`, `TRANSFER_NOT_SUPPORTED`,
 *   `TRANSFER_KEY_REFUSED`, `TRANSFER_TOO_LARGE`, `TRANSFER_SOURCE_MISSING`; later `TRANSFER_TOO_MANY_FAILURES`, and the error of an
 *   end that is closed, gone or cannot be listed
 */
export async function copy(
  source: ReadableEnd,
  target: WritableEnd,
  options: CopyOptions = {},
): Promise<TransferReport> {
  return await direct(copyOf(source, target, options), options.signal)
}

/** The same, and with `extras: 'delete'` what only the target has is deleted there afterwards. @throws as {@link copy} */
export async function sync(
  source: ReadableEnd,
  target: WritableEnd,
  options: SyncOptions = {},
): Promise<TransferReport> {
  return await direct(syncOf(source, target, options), options.signal)
}

/**
 * Copies, and deletes each object from the source once the target is proven to have it and the source has not changed since.
 * What the target has already is deleted from the source as well, if its bytes are the same. @throws as {@link copy}
 */
export async function move(
  source: WritableEnd,
  target: WritableEnd,
  options: MoveOptions = {},
): Promise<TransferReport> {
  return await direct(moveOf(source, target, options), options.signal)
}

/** A copy whose options are checked. */
export function copyOf(source: ReadableEnd, target: WritableEnd, options: CopyOptions): Direct {
  return {
    ...checkRead(options, ['compare', 'verify'], 'copy'),
    ...checkSend(options),
    filter: pathFilter(options),
    pair: pairOf(source, target, { write: true, prune: false, remove: false }),
    send: 'always',
    removeFrom: undefined,
    extras: 'keep',
  }
}

/** A sync whose options are checked. */
export function syncOf(source: ReadableEnd, target: WritableEnd, options: SyncOptions): Direct {
  const { extras = 'keep', ...rest } = options
  oneOf('extras', extras, ['keep', 'delete'])
  return {
    ...checkRead(rest, ['compare', 'verify'], 'sync'),
    ...checkSend(rest),
    filter: pathFilter(rest),
    pair: pairOf(source, target, { write: true, prune: extras === 'delete', remove: false }),
    send: 'always',
    removeFrom: undefined,
    extras,
  }
}

/** A move whose options are checked. */
export function moveOf(source: WritableEnd, target: WritableEnd, options: MoveOptions): Direct {
  return {
    ...checkRead(options, ['verify'], 'move'),
    ...checkSend(options),
    filter: pathFilter(options),
    pair: pairOf(source, target, { write: true, prune: false, remove: true }),
    send: 'always',
    removeFrom: source,
    extras: 'keep',
  }
}

async function direct(transfer: Direct, signal: AbortSignal | undefined): Promise<TransferReport> {
  return await inScope('transfer', () => runTransfer({ ...transfer, report: emptyReport }), signal)
}
