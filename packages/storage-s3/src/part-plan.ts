/** Into which parts a body is cut. */
import { StorageError } from '@ipfs-kit/storage'

/** The most parts that an upload may have, docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html. */
export const maxParts = 10_000
const maxPartBytes = 5 * 1024 ** 3
const mebi = 1024 * 1024
/** So many parts of one size come before the size is doubled, where the size of the whole is not known. */
const partsOfOneSize = 1000

/** How a body is cut. The same plan gives the same parts, so that an upload can be resumed. */
export interface PartPlan {
  /** Bytes of the first part. */
  readonly partBytes: number
  /** Whether parts grow, because nobody knows how many there will be. */
  readonly grows: boolean
}

/**
 * Plans parts of at least `partBytes`.
 *
 * @param size - bytes of the body, if they are known: then all parts but the last are of one size
 * @param equalParts - whether the service takes parts of one size only
 */
export function planParts(partBytes: number, size: number | undefined, equalParts: boolean): PartPlan {
  if (size === undefined) return { partBytes, grows: !equalParts }
  const needed = Math.ceil(size / maxParts / mebi) * mebi
  return { partBytes: Math.max(partBytes, needed), grows: false }
}

/**
 * Bytes of a part, the first being number 1, unless it is the last one.
 *
 * @throws StorageError `STORAGE_FULL` past the last part that an upload may have
 */
export function bytesOfPart({ partBytes, grows }: PartPlan, number: number): number {
  if (number > maxParts) {
    const remedy = grows ? '' : ', so give the size of a body that is larger'
    throw new StorageError(
      'STORAGE_FULL',
      `An upload has at most ${maxParts} parts, of ${partBytes} bytes here${remedy}`,
    )
  }
  return grows
    ? Math.min(maxPartBytes, partBytes * 2 ** Math.floor((number - 1) / partsOfOneSize))
    : partBytes
}
