/** Keys of objects: which are valid, and in which order they come. */
import { StorageError } from './errors.ts'

const maxKeyBytes = 1024

/**
 * Checks a key: 1 to 1,024 bytes of UTF-8, no NUL, no half of a surrogate pair.
 *
 * @throws StorageError `STORAGE_INVALID_KEY`
 */
export function checkKey(key: string): void {
  const flaw = flawOfKey(key)
  if (flaw !== undefined) throw new StorageError('STORAGE_INVALID_KEY', `The key ${shown(key)} ${flaw}`)
}

/** What is wrong with a key, or undefined. */
export function flawOfKey(key: unknown): string | undefined {
  if (typeof key !== 'string') return `is of type ${typeof key}, not a string`
  if (key === '') return 'is empty'
  // Counting the bytes of a very long string is work for nothing: UTF-8 is never shorter than UTF-16 has units.
  if (key.length > maxKeyBytes || Buffer.byteLength(key) > maxKeyBytes) {
    return `is longer than ${maxKeyBytes} bytes of UTF-8`
  }
  if (key.includes('\0')) return 'has a NUL'
  if (!key.isWellFormed()) return 'has half of a surrogate pair'
  return undefined
}

/**
 * Compares two keys by their bytes in UTF-8, for `Array.sort`. Plain string comparison is by UTF-16 units, which puts
 * characters above U+FFFF before those from U+E000 to U+FFFF.
 */
export function compareKeys(a: string, b: string): number {
  const common = Math.min(a.length, b.length)
  for (let index = 0; index < common; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left === right) continue
    const leftIsSurrogate = isSurrogate(left)
    return leftIsSurrogate === isSurrogate(right) ? left - right : leftIsSurrogate ? 1 : -1
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return (unit & 0xf800) === 0xd800
}

function shown(key: unknown): string {
  if (typeof key !== 'string') return String(key)
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key)
}
