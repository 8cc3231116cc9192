/** Which rule content falls under. */
import type { Conditions, Content } from './policy.ts'

const dayMs = 86_400_000

/** Whether all conditions hold for content at a time, in milliseconds since 1970. What the clock says of the future is 0 days old. */
export function holds(when: Conditions, content: Omit<Content, 'cid'>, atMs: number): boolean {
  const { minBytes = 0, maxBytes = Infinity, minAgeDays = 0, maxAgeDays = Infinity } = when
  const { minHeat = 0, maxHeat = Infinity, types, names } = when
  const days = Math.max(0, atMs - content.addedMs) / dayMs
  return (
    content.bytes >= minBytes &&
    content.bytes <= maxBytes &&
    days >= minAgeDays &&
    days < maxAgeDays &&
    content.heat >= minHeat &&
    content.heat < maxHeat &&
    (types === undefined || types.some((pattern) => fits(pattern, content.type))) &&
    (names === undefined || names.some((pattern) => fits(pattern, content.name)))
  )
}

/** Whether a text fits a pattern, in which `*` stands for any characters. In the time of their lengths multiplied. */
export function fits(pattern: string, text: string): boolean {
  let inPattern = 0
  let inText = 0
  let star = -1
  let afterStar = 0
  while (inText < text.length) {
    if (pattern[inPattern] === '*') {
      star = inPattern
      afterStar = inText
      inPattern += 1
    } else if (pattern[inPattern] === text[inText]) {
      inPattern += 1
      inText += 1
    } else if (star >= 0) {
      // The last star takes one more character.
      afterStar += 1
      inText = afterStar
      inPattern = star + 1
    } else {
      return false
    }
  }
  while (pattern[inPattern] === '*') inPattern += 1
  return inPattern === pattern.length
}
