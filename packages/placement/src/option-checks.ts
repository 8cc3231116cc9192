/** Checks of plain data: what is unknown is refused with the name that may have been meant, and values have bounds. */
import { nearest } from '@ipfs-kit/operations'

/** What refuses: makes the error for a message. */
export type Refuse = (message: string) => Error

/** Throws unless it is an object whose keys are all known. */
export function checkKeys(value: unknown, known: readonly string[], where: string, refuse: Refuse): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(`${where} is an object`)
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw refuse(`${where} has no ${JSON.stringify(key)}; ${hint(key, known)}`)
  }
}

/** What may have been meant, or all that there is. */
export function hint(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`
}

/** Throws unless it is a number, 0 or more. */
export function checkAmount(value: unknown, where: string, refuse: Refuse): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return
  throw refuse(`${where} is a number, 0 or more, not ${String(value)}`)
}

/** Throws unless it is a whole number in bounds. */
export function checkWhole(value: unknown, least: number, most: number, where: string, refuse: Refuse): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return
  throw refuse(`${where} is a whole number from ${least} to ${most}, not ${String(value)}`)
}

/** Throws unless it is a text of at most 1,000 characters, and not empty unless that is allowed. */
export function checkText(value: unknown, where: string, refuse: Refuse, least = 1): void {
  if (typeof value === 'string' && value.length >= least && value.length <= 1000) return
  const what = typeof value === 'string' ? `${value.length} characters` : String(value)
  throw refuse(`${where} is a text of ${least} to 1,000 characters, not ${what}`)
}

/** Throws unless it is a list of texts, each another one, and not empty. */
export function checkTexts(value: unknown, where: string, refuse: Refuse): void {
  if (!Array.isArray(value) || value.length === 0) throw refuse(`${where} is a list that is not empty`)
  value.forEach((one, at) => checkText(one, `${where}[${at}]`, refuse))
  if (new Set(value).size < value.length) throw refuse(`${where} names one twice`)
}
