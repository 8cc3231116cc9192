/** One object on its way: read, written under a condition, and proven. */
import type { EndItem, WritableEnd } from './end.ts'
import { TransferError } from './errors.ts'
import { targetFailed } from './faults.ts'
import { checkFits, type Pair } from './pair.ts'
import type { PairedItem } from './plan.ts'
import { hashTarget, isSameValue, openHashed, type Reading } from './read-item.ts'
import { shownPath } from './shown-path.ts'
import type { ItemTally } from './tally.ts'

/** How it is proven that the target has what was read. */
export type Verification =
  /** By the digest that the target itself tells of what it took; where it tells none the bytes are read back. The default. */
  | 'written'
  /** The bytes are read back. */
  | 'read'

/** What sending needs besides the object. */
export interface Sending extends Pick<Reading, 'rate' | 'signal'> {
  readonly pair: Pair
  readonly verification: Verification
  readonly tally: ItemTally
}

/** What was sent, and is proven. */
export interface SentItem {
  /** As the source had it when it was read. */
  readonly source: EndItem
  readonly sha256: string
}

/**
 * Sends an object: what the target has under the path is replaced only if it is still what was listed.
 *
 * @throws TransferError as `openHashed`, `TRANSFER_TARGET_CHANGED`, `TRANSFER_TARGET_FULL`, `TRANSFER_TARGET_FAILED`,
 *   `TRANSFER_NOT_EQUAL`, as `checkFits`
 */
export async function sendItem(paired: PairedItem, sending: Sending): Promise<SentItem> {
  const { pair, verification, tally, rate, signal } = sending
  const { source, target } = pair
  const { path } = paired
  tally.enter('send')
  const hashed = await openHashed(source, path, { rate, signal, onBytes: tally.moved })
  let written: EndItem
  try {
    checkFits(hashed.item, target)
    written = await write(paired, hashed.item.size, committing(hashed.body, tally), sending)
  } finally {
    await hashed.leave()
  }
  const { sha256 } = hashed
  tally.enter('verify')
  let found = verification === 'written' ? written.sha256 : undefined
  if (found === undefined) {
    if (verification === 'written') tally.expect(hashed.item.size)
    found = await hashTarget(target, path, { rate, signal, onBytes: tally.moved })
  }
  // A target that did not take all of it has nothing to be compared.
  if (sha256 === undefined || found !== sha256) {
    await discard(target, written, signal)
    throw new TransferError(
      'TRANSFER_NOT_EQUAL',
      `${target.name} has other bytes for ${shownPath(path)} than were sent: SHA-256 ${found ?? 'of nothing'}, and not ${sha256 ?? 'of all, which it did not take'}`,
    )
  }
  return { source: hashed.item, sha256 }
}

async function write(
  { path, target: listed }: PairedItem,
  size: number,
  body: AsyncIterable<Uint8Array>,
  { pair: { target }, signal }: Sending,
): Promise<EndItem> {
  const { conditionalPut, conditionalReplace } = target.supports
  const condition =
    listed === undefined
      ? conditionalPut && { ifAbsent: true }
      : conditionalReplace && listed.version !== undefined && { ifVersion: listed.version }
  try {
    // An end without conditions is asked what it has at the last moment.
    if (condition === false) await checkListed(target, path, listed, signal)
    return await target.write(path, body, { size, signal, ...condition })
  } catch (error) {
    throw targetFailed(error, target, path)
  }
}

async function checkListed(
  target: WritableEnd,
  path: string,
  listed: EndItem | undefined,
  signal: AbortSignal,
): Promise<void> {
  const found = await target.stat(path, { signal })
  if (listed === undefined ? found === undefined : found !== undefined && isSameValue(listed, found)) return
  throw new TransferError(
    'TRANSFER_TARGET_CHANGED',
    `${target.name} has another value for ${shownPath(path)} than when it was listed`,
  )
}

/** Takes away what is wrong, unless somebody has replaced it by now. */
async function discard(target: WritableEnd, written: EndItem, signal: AbortSignal): Promise<void> {
  const { path } = written
  if (!target.supports.delete) return
  try {
    const found = await target.stat(path, { signal })
    if (found !== undefined && isSameValue(found, written)) await target.remove(path, { signal })
  } catch (error) {
    throw targetFailed(error, target, path)
  }
}

/** The same body, which tells when the target has all of it. */
async function* committing(body: AsyncIterable<Uint8Array>, tally: ItemTally): AsyncGenerator<Uint8Array> {
  yield* body
  tally.enter('commit')
}
