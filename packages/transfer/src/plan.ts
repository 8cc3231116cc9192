/** What a transfer has to do: both sides listed in the order of their paths, and each path compared. */
import { compareKeys } from '@ipfs-kit/storage'
import type { EndItem, ReadableEnd } from './end.ts'
import { TransferError } from './errors.ts'
import { sourceFailed, targetFailed } from './faults.ts'
import type { Pair } from './pair.ts'

/** A path, as both sides have it. */
export interface PairedItem {
  readonly path: string
  readonly source: EndItem | undefined
  readonly target: EndItem | undefined
}

/** How a path is compared. */
export type Comparison =
  /** By SHA-256, or CIDs that are the same; where an end does not tell it, its bytes are read. The default. */
  | 'digest'
  /** The same if the size is, and the target is not older than the source. */
  | 'time'
  /** The same if the size is. */
  | 'size'

/** What is to be done about a path. */
export type PlannedState =
  /** Only the source has it. */
  | 'new'
  /** Both have it, and it is not the same. */
  | 'different'
  | 'same'
  /** Only the target has it. */
  | 'extra'

/** All paths of both sides that the filter lets through, once each, in byte order. */
export async function* pairedItems(
  { source, target }: Pair,
  filter: (path: string) => boolean,
  signal: AbortSignal,
): AsyncGenerator<PairedItem> {
  if (source.shape === 'object') {
    const item = await source.stat('', { signal }).catch((error: unknown) => {
      throw sourceFailed(error, source, '')
    })
    if (item === undefined) {
      throw new TransferError('TRANSFER_SOURCE_MISSING', `There is no object at ${source.name}`)
    }
    const there = await target.stat('', { signal }).catch((error: unknown) => {
      throw targetFailed(error, target, '')
    })
    yield { path: '', source: item, target: there }
    return
  }
  const left = inOrder(source, (error) => sourceFailed(error, source, undefined), signal)
  const right = inOrder(target, (error) => targetFailed(error, target, undefined), signal)
  try {
    let one = await left.next()
    let other = await right.next()
    while (one.done !== true || other.done !== true) {
      const order =
        one.done === true ? 1 : other.done === true ? -1 : compareKeys(one.value.path, other.value.path)
      const from = order <= 0 && one.done !== true ? one.value : undefined
      const to = order >= 0 && other.done !== true ? other.value : undefined
      const { path } = (from ?? to)!
      if (filter(path)) yield { path, source: from, target: to }
      if (from !== undefined) one = await left.next()
      if (to !== undefined) other = await right.next()
    }
  } finally {
    await left.return(undefined)
    await right.return(undefined)
  }
}

/** What is known of a path without reading it; `undefined` if that takes its bytes. */
export function stateOf({ source, target }: PairedItem, comparison: Comparison): PlannedState | undefined {
  if (source === undefined) return 'extra'
  if (target === undefined) return 'new'
  if (source.size !== target.size) return 'different'
  if (comparison === 'size') return 'same'
  if (comparison === 'time') {
    const isOlder = (target.modifiedMs ?? -Infinity) < (source.modifiedMs ?? Infinity)
    return isOlder ? 'different' : 'same'
  }
  // Other CIDs say nothing: the same bytes have many, by how they are cut.
  if (source.cid !== undefined && source.cid === target.cid) return 'same'
  if (source.sha256 === undefined || target.sha256 === undefined) return undefined
  return source.sha256 === target.sha256 ? 'same' : 'different'
}

/** The listing of an end. What is not in order could be taken for missing, and then be sent or deleted: it is refused. */
async function* inOrder(
  end: ReadableEnd,
  failed: (error: unknown) => unknown,
  signal: AbortSignal,
): AsyncGenerator<EndItem, undefined> {
  let before: string | undefined
  try {
    for await (const item of end.list({ signal })) {
      if (before !== undefined && compareKeys(before, item.path) >= 0) {
        throw new Error(
          `${end.name} lists ${JSON.stringify(item.path)} after ${JSON.stringify(before)}, which is not in order`,
        )
      }
      before = item.path
      yield item
    }
  } catch (error) {
    throw failed(error)
  }
  return undefined
}
