/** What is known, in sentences. */
import type { BackendFacts, Copy } from './policy.ts'
import { costOf, sizeOf, touched, type Terms } from './terms.ts'

/** `under`: fewer copies than must be there. `over`: more, or more costly ones, than may be. */
export type HealthState = 'under' | 'met' | 'over'

/** What evidence is made of. */
export interface Known {
  readonly terms: Terms
  readonly have: number
  readonly copies: readonly Copy[]
  readonly byName: ReadonlyMap<string, BackendFacts>
  readonly verdict: { readonly state: HealthState; readonly missing: readonly string[] }
}

/** Why a copy counts for nothing, or `undefined` if it counts. */
export function reasonNot(state: Copy['state'], backend: BackendFacts | undefined): string | undefined {
  if (state === 'lost') return 'was not there'
  if (state === 'damaged') return 'has other bytes'
  if (backend === undefined) return 'is on a backend that there is not any more'
  if (backend.durability === 'memory') return 'is in memory, and a copy in memory is no copy'
  if (backend.state === 'down') return 'is on a backend that is down'
  return undefined
}

/** What is asked for and what is there, then each copy that does not count. */
export function evidenceOf({ terms, have, copies, byName, verdict }: Known): string[] {
  const { least, wanted, maximum, maxCost, costs, oneOfEach } = terms
  const counted = have & terms.candidates
  const elsewhere = sizeOf(have & ~terms.candidates)
  const sentences = [
    `${sizeOf(counted)} copies count, of at least ${least.copies}, ${wanted.copies} wanted and ${maximum} at most`,
    `they are in ${touched(counted, terms.domains)} failure domains, of at least ${least.domains} and ${wanted.domains} wanted`,
  ]
  if (elsewhere > 0) sentences.push(`${elsewhere} more are on backends that the rule does not name`)
  const missing = oneOfEach.length - touched(counted, oneOfEach)
  if (missing > 0)
    sentences.push(`${missing} of the tiers and the place off-site that have to have a copy have none`)
  const cost = costOf(have, costs)
  if (cost > maxCost) sentences.push(`they cost ${cost / 1e9} a GiB and month, of ${maxCost / 1e9} at most`)
  for (const { backend, state } of copies) {
    const reason = reasonNot(state, byName.get(backend))
    if (reason !== undefined) sentences.push(`the copy on ${backend} ${reason}`)
  }
  if (verdict.state === 'under' && verdict.missing.length === 0) {
    sentences.push('no backend that is up may take what is missing')
  }
  return sentences
}
