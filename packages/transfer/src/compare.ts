/** Whether both sides have the same, where that takes their bytes. */
import type { EndItem, ReadableEnd } from './end.ts'
import { sourceFailed, targetFailed } from './faults.ts'
import type { Pair } from './pair.ts'
import { stateOf, type Comparison, type PairedItem, type PlannedState } from './plan.ts'
import { hashSource, hashTarget, isSameValue, type Reading } from './read-item.ts'
import type { ItemTally } from './tally.ts'

/** What a comparison has found. */
export interface Compared {
  readonly state: Exclude<PlannedState, 'extra'>
  /** The object of the source that was compared. */
  readonly source: EndItem
  /** SHA-256 of the source in hex, where it is known. */
  readonly sha256: string | undefined
}

/** What comparing needs. */
export interface Comparing extends Pick<Reading, 'rate' | 'signal'> {
  readonly tally: Pick<ItemTally, 'enter'>
}

/**
 * Compares an object of the source with that of the target.
 *
 * @throws TransferError as `hashSource`, `hashTarget`
 */
export async function compareBytes(
  { source, target }: Pair,
  item: PairedItem,
  comparison: Comparison,
  { rate, signal, tally }: Comparing,
): Promise<Compared> {
  const { path } = item
  const listed = item.source!
  const known = stateOf(item, comparison)
  if (known !== undefined && known !== 'extra') {
    return { state: known, source: listed, sha256: listed.sha256 }
  }
  // A listing may tell less than a look at the object.
  const looked = {
    path,
    source: await look(source, listed, sourceFailed, signal),
    target: await look(target, item.target!, targetFailed, signal),
  }
  const told = stateOf(looked, comparison)
  if (told === 'same' || told === 'different') {
    return { state: told, source: looked.source, sha256: looked.source.sha256 }
  }
  tally.enter('hash')
  const reading = { rate, signal, onBytes: () => {} }
  const sha256 = looked.source.sha256 ?? (await hashSource(source, path, reading))
  const found = looked.target.sha256 ?? (await hashTarget(target, path, reading))
  return {
    state: found === sha256 ? 'same' : found === undefined ? 'new' : 'different',
    source: listed,
    sha256,
  }
}

/** The object with its digest, if the end tells it of what was listed. */
async function look(
  end: ReadableEnd,
  listed: EndItem,
  failed: typeof sourceFailed,
  signal: AbortSignal,
): Promise<EndItem> {
  if (listed.sha256 !== undefined) return listed
  try {
    const found = await end.stat(listed.path, { signal })
    return found !== undefined && isSameValue(found, listed) ? found : listed
  } catch (error) {
    throw failed(error, end, listed.path)
  }
}
