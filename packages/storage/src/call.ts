/** Checks of what the calls of a backend are given, besides keys. */
import type { GetOptions, ListOptions, PutOptions, Supports } from './backend.ts'
import { StorageError } from './errors.ts'
import { checkKey } from './key.ts'
import type { Wanted } from './range.ts'

const maxPageEntries = 1000

/** @throws RangeError for what is no whole number, 0 or more */
export function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name} is a whole number, 0 or more, not ${value}`)
  }
}

/** What a put asks for. */
export interface CheckedPut {
  /** Bytes that the body has to have. */
  readonly size: number | undefined
  /** Whether the key has to be free. */
  readonly ifAbsent: boolean
  /** The version that is to be replaced. */
  readonly ifVersion: string | undefined
}

/**
 * What a put asks for, of a backend that supports it.
 *
 * @throws RangeError for a size that is none, TypeError for a version that is none and for one together with `ifAbsent`
 * @throws StorageError `STORAGE_NOT_SUPPORTED` for a condition that the backend cannot keep
 */
export function checkPut(
  { size, ifAbsent = false, ifVersion }: PutOptions,
  supports: Pick<Supports, 'conditionalPut' | 'conditionalReplace'>,
): CheckedPut {
  if (size !== undefined) checkCount('size', size)
  if (ifVersion !== undefined) {
    if (typeof ifVersion !== 'string' || ifVersion === '') {
      throw new TypeError('ifVersion is the version of an object, as a text that is not empty')
    }
    if (ifAbsent) throw new TypeError('ifAbsent wants no value, and ifVersion wants one: give one of them')
    if (!supports.conditionalReplace) throw notSupported('conditionalReplace')
  }
  if (ifAbsent && !supports.conditionalPut) throw notSupported('conditionalPut')
  return { size, ifAbsent, ifVersion }
}

/**
 * Checks the condition of a put against the value that its key has. For backends to use before the body is taken, and again
 * when nothing can come between it and the new value.
 *
 * @param found - the value of the key, or undefined if there is none
 * @throws StorageError `STORAGE_EXISTS`, `STORAGE_CONFLICT`
 */
export function checkCondition(
  key: string,
  { ifAbsent, ifVersion }: Omit<CheckedPut, 'size'>,
  found: { readonly version: string | undefined } | undefined,
): void {
  if (ifAbsent && found !== undefined) {
    throw new StorageError('STORAGE_EXISTS', `The key ${JSON.stringify(key)} has a value already`)
  }
  if (ifVersion === undefined || found?.version === ifVersion) return
  const instead = found === undefined ? 'no value' : `the version ${JSON.stringify(found.version)}`
  throw new StorageError(
    'STORAGE_CONFLICT',
    `The key ${JSON.stringify(key)} has ${instead}, and not ${JSON.stringify(ifVersion)}`,
  )
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

function notSupported(ability: keyof Supports): StorageError {
  return new StorageError('STORAGE_NOT_SUPPORTED', `This backend does not support ${ability}`)
}
