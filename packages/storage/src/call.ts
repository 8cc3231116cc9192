/** Checks of what the calls of a backend are given, besides keys. */
import type { GetOptions, ListOptions, PutOptions } from './backend.ts'
import { checkKey } from './key.ts'
import type { Wanted } from './range.ts'

const maxPageEntries = 1000

/** @throws RangeError for what is no whole number, 0 or more */
export function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name} is a whole number, 0 or more, not ${value}`)
  }
}

/** The declared size of a body, and whether its key has to be free. @throws RangeError for a size that is none */
export function checkPut({ size, ifAbsent = false }: PutOptions): {
  readonly size: number | undefined
  readonly ifAbsent: boolean
} {
  if (size !== undefined) checkCount('size', size)
  return { size, ifAbsent }
}

/** What a `get` wants: by default everything. @throws RangeError for numbers that are no positions */
export function checkGet({ offset = 0, length = Number.MAX_SAFE_INTEGER }: GetOptions): Wanted {
  checkCount('offset', offset)
  checkCount('length', length)
  return { offset, length }
}

/**
 * Which keys a `list` wants, and how many in a page. Its cursor is checked by the backend that gave it.
 *
 * @throws RangeError for a limit that is not from 1 to 1,000
 * @throws StorageError `STORAGE_INVALID_KEY` for a prefix that no key can begin with
 */
export function checkList({ prefix = '', limit = maxPageEntries }: ListOptions): {
  readonly prefix: string
  readonly limit: number
} {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > maxPageEntries) {
    throw new RangeError(`limit is a whole number from 1 to ${maxPageEntries}, not ${limit}`)
  }
  if (prefix !== '') checkKey(prefix)
  return { prefix, limit }
}
