/** Whether both sides have the same, where that takes their bytes. */
import type { EndItem } from './end.ts'
import type { Pair } from './pair.ts'
import { stateOf, type Comparison, type PairedItem, type PlannedState } from './plan.ts'
import { hashSource, hashTarget, type Reading } from './read-item.ts'
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
  tally.enter('hash')
  const reading = { rate, signal, onBytes: () => {} }
  const sha256 = listed.sha256 ?? (await hashSource(source, path, reading))
  const found = item.target?.sha256 ?? (await hashTarget(target, path, reading))
  return {
    state: found === sha256 ? 'same' : found === undefined ? 'new' : 'different',
    source: listed,
    sha256,
  }
}
