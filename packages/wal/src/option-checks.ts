/** Checks of options: what is unknown is refused with the name that may have been meant, and numbers have bounds. */
import { nearest } from '@ipfs-kit/operations'

/** @throws TypeError unless it is an object whose keys are all known. */
export function checkKeys(options: unknown, known: readonly string[], what: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${what} is an object`)
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    const near = nearest(key, known)
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`
    throw new TypeError(`${what} has no ${JSON.stringify(key)}; ${hint}`)
  }
}

/** A whole number, or what stands for it if it is absent. @throws RangeError */
export function wholeNumber(
  value: number | undefined,
  name: string,
  least: number,
  most: number,
  otherwise: number,
): number {
  if (value === undefined) return otherwise
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${String(value)}`)
}

/** Milliseconds since 1970, if they are given. @throws RangeError */
export function checkTime(value: number | undefined, name: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return
  throw new RangeError(`${name} is milliseconds since 1970, a whole number, not ${String(value)}`)
}

/** A text of 1 to `most` characters, if it is given. @throws TypeError, RangeError */
export function checkText(value: string | undefined, name: string, most: number): void {
  if (value === undefined) return
  if (typeof value !== 'string') throw new TypeError(`${name} is a text`)
  if (value.length >= 1 && value.length <= most) return
  throw new RangeError(`${name} has 1 to ${most} characters, not ${value.length}`)
}

/** @throws TypeError, RangeError unless it is a list of at most `most`, all of which are there. */
export function checkList(value: readonly unknown[] | undefined, name: string, most: number): void {
  if (value === undefined) return
  if (!Array.isArray(value)) throw new TypeError(`${name} is an array`)
  if (value.includes(undefined)) throw new TypeError(`An item of ${name} is undefined`)
  if (value.length > most) throw new RangeError(`${name} has at most ${most} items, not ${value.length}`)
}
