/** The search for the set of copies that is best: exact, since there are at most 16 backends, and its answers are kept. */
import { costOf, isWithin, meets, sizeOf, touched, type Terms } from './terms.ts'

/**
 * The set of copies to have, made of those that there are (`have`) and of new ones (of `free`). It is within maximum and cost
 * unless `have` alone is not and cannot be cut without harm. Of those: one that meets what must be there, else keeps all of
 * `have`; then the nearest to what is wanted; then with the fewest of `have` left out; then the cheapest; then the smallest; then
 * by name.
 */
export function choose(terms: Terms, have: number, free: number): number {
  const best = search(terms, have | free, 0, have)
  if (best !== undefined && meets(terms, best)) return best
  // Nothing is given up for what is under all the same.
  return search(terms, free, have, have) ?? have
}

/** How much of what is wanted a set has: copies, domains, and one of each. */
export function scoreOf(terms: Terms, set: number): number {
  const counted = set & terms.candidates
  const { wanted } = terms
  return (
    Math.min(sizeOf(counted), wanted.copies) +
    Math.min(touched(counted, terms.domains), wanted.domains) +
    touched(counted, terms.oneOfEach)
  )
}

/** The most that {@link scoreOf} can be. */
export function fullScore({ wanted, oneOfEach }: Terms): number {
  return wanted.copies + wanted.domains + oneOfEach.length
}

/** The best of the sets that have all of `fixed`, and others of `open`. */
function search(terms: Terms, open: number, fixed: number, have: number): number | undefined {
  let best: number | undefined
  let bestRank: readonly number[] = []
  for (let some = open; ; some = (some - 1) & open) {
    const set = some | fixed
    if (isWithin(terms, set)) {
      const rank = rankOf(terms, set, have)
      if (best === undefined || isBelow(rank, bestRank)) {
        best = set
        bestRank = rank
      }
    }
    if (some === 0) return best
  }
}

/** The smaller the better, the first number first. */
function rankOf(terms: Terms, set: number, have: number): readonly number[] {
  return [
    meets(terms, set) ? 0 : 1,
    -scoreOf(terms, set),
    sizeOf(have & ~set),
    costOf(set, terms.costs),
    sizeOf(set),
    set,
  ]
}

function isBelow(a: readonly number[], b: readonly number[]): boolean {
  for (let at = 0; at < a.length; at += 1) {
    if (a[at]! !== b[at]!) return a[at]! < b[at]!
  }
  return false
}
