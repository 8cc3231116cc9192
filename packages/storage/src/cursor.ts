/** Cursors of listings that go on behind the last key of the page before. */
import { StorageError } from './errors.ts'
import { flawOfKey } from './key.ts'

/** The cursor that stands on a key. */
export function cursorOf(key: string): string {
  return Buffer.from(key).toString('base64url')
}

/**
 * The key on which a cursor stands.
 *
 * @param isKey - whether a text is a key that this backend lists. Default: whether it is a key at all
 * @throws StorageError `STORAGE_INVALID_CURSOR` for what {@link cursorOf} gave for no key with this prefix
 */
export function keyOfCursor(
  cursor: string,
  prefix: string,
  isKey: (text: string) => boolean = (text) => flawOfKey(text) === undefined,
): string {
  const key = Buffer.from(cursor, 'base64url').toString()
  if (cursorOf(key) === cursor && isKey(key) && key.startsWith(prefix)) return key
  throw new StorageError(
    'STORAGE_INVALID_CURSOR',
    'The cursor is not one that this backend gave for this prefix',
  )
}
