/** The bytes of a range of a file. */
import type { Owner } from '@ipfs-kit/concurrency'
import { describeNode, fileContent, type GetBlock } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'
import type { HeldRoots } from './held-roots.ts'
import type { ReadOptions } from './journal.ts'

/** What is read. */
export interface RangeToRead {
  /** For messages. */
  readonly path: string
  readonly cid: CID
  /** First byte. */
  readonly offset: number
  /** Bytes at most. */
  readonly length: number
}

/** Where it is read. */
export interface ReadPlace {
  readonly get: GetBlock
  readonly held: HeldRoots
  readonly owner: Owner
}

/** A range whose bounds are there. @throws RangeError for what is no whole number of bytes from 0 */
export function checkRange({
  offset = 0,
  length = Number.MAX_SAFE_INTEGER,
}: ReadOptions): Pick<RangeToRead, 'offset' | 'length'> {
  for (const [name, value] of Object.entries({ offset, length })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${name} is a whole number of bytes from 0, not ${value}`)
    }
  }
  return { offset, length }
}

/** Gives the range piece by piece, and at its end the size of the whole file. Until then the blocks of the file are held. */
export async function* fileRange(
  { path, cid, offset, length }: RangeToRead,
  { get, held, owner }: ReadPlace,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, number, undefined> {
  using _held = held.hold([cid])
  const over = new AbortController()
  try {
    const { size } = describeNode(cid, await get(cid, signal))
    if (offset > size) {
      throw new JournalError('JOURNAL_RANGE', `${path} has ${size} bytes; ${offset} is behind its end`)
    }
    const both = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
    yield* fileContent(cid, { get, owner, signal: both, offset, length })
    return size
  } catch (cause) {
    throw storeFailure(cause, 'read a file')
  } finally {
    over.abort()
  }
}
