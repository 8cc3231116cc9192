/** Ranges of objects. */
import { StorageError } from './errors.ts'

/** What of an object is wanted. */
export interface Wanted {
  /** The first byte. */
  readonly offset: number
  /** Bytes; what is past the end is cut off. */
  readonly length: number
}

/**
 * First byte and end of what is wanted of an object.
 *
 * @throws StorageError `STORAGE_RANGE` at or after the end of the object, except 0 in an empty one
 */
export function windowOf(
  { offset, length }: Wanted,
  size: number,
): { readonly from: number; readonly to: number } {
  if (offset > 0 && offset >= size) {
    throw new StorageError('STORAGE_RANGE', `Offset ${offset} is not below the size of ${size} bytes`)
  }
  return { from: offset, to: offset + Math.min(length, size - offset) }
}
