/** What the inputs and answers of several entries have in common. */
import { z } from 'zod'

/** Name of a secret or token. The package itself refuses others, and does not repeat them. */
export const nameSchema = z.string().min(1).max(64)

/** A time to come. */
export const expiresAtSchema = z.iso.datetime({ offset: true })

/** A time in answers. */
export const timeSchema = z.iso.datetime()

/** @param time - milliseconds since 1970 */
export function isoOf(time: number): string {
  return new Date(time).toISOString()
}

/** One line for several words, those that are absent left out. */
export function wordsOf(...words: readonly (string | undefined)[]): string {
  return words.filter((word) => word !== undefined).join('  ')
}
