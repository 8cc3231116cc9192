/** Ranges as the storage contract has them. */
import { StorageError } from '@ipfs-kit/storage'

/** What of an object is wanted. */
export interface Wanted {
  readonly offset: number
  readonly length: number
}

/** @throws RangeError for numbers that are no positions */
export function checkWanted(options: { readonly offset?: number; readonly length?: number }): Wanted {
  const { offset = 0, length = Number.MAX_SAFE_INTEGER } = options
  for (const [name, value] of Object.entries({ offset, length })) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${name} is a whole number, 0 or more, not ${value}`)
  }
  return { offset, length }
}

/** First byte and end of what is wanted of an object. @throws StorageError STORAGE_RANGE */
export function windowOf(
  { offset, length }: Wanted,
  size: number,
): { readonly from: number; readonly to: number } {
  if (offset > 0 && offset >= size)
    throw new StorageError('STORAGE_RANGE', `Offset ${offset} is not below the size of ${size} bytes`)
  return { from: offset, to: offset + Math.min(length, size - offset) }
}
