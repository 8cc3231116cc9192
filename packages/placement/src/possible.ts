/** What keeps a requirement from ever being met by the backends that there are. */
import { choose, fullScore, scoreOf } from './choose.ts'
import { PlacementError } from './errors.ts'
import { hint } from './option-checks.ts'
import type { BackendFacts, Requirement } from './policy.ts'
import { costOf, isNamed, setOf, sizeOf, termsOf, type Terms } from './terms.ts'

/**
 * Refuses a requirement that these backends, sorted by name, cannot meet, also when all of them are up.
 *
 * @param where - names the rule in the message
 * @throws PlacementError PLACEMENT_POLICY_INVALID for a backend or a tag that there is not, PLACEMENT_IMPOSSIBLE
 */
export function mustBePossible(keep: Requirement, where: string, backends: readonly BackendFacts[]): void {
  checkNames(keep, where, backends)
  const terms = termsOf(keep, backends)
  const usable = terms.candidates & setOf(backends, (one) => one.writable)
  const best = choose(terms, 0, usable)
  if (scoreOf(terms, best) === fullScore(terms)) return
  throw new PlacementError(
    'PLACEMENT_IMPOSSIBLE',
    `${where} cannot be met: ${why(keep, terms, usable, backends)}`,
  )
}

function checkNames(keep: Requirement, where: string, backends: readonly BackendFacts[]): void {
  const names = backends.map(({ name }) => name)
  const tags = [...new Set(backends.flatMap((one) => one.tags))]
  const named = [
    ...(keep.backends ?? []).map((name) => ['backend', name, names] as const),
    ...(keep.tags ?? []).map((name) => ['tag', name, tags] as const),
    ...(keep.tiers ?? []).map((name) => ['tag', name, tags] as const),
  ]
  for (const [what, name, known] of named) {
    if (known.includes(name)) continue
    const message = `${where} names the ${what} ${JSON.stringify(name)}, which no backend has; ${hint(name, known)}`
    throw new PlacementError('PLACEMENT_POLICY_INVALID', message)
  }
}

/** The first reason, in words. */
function why(keep: Requirement, terms: Terms, usable: number, backends: readonly BackendFacts[]): string {
  const { wanted, maximum } = terms
  const { durability = 'quorum', tiers = [], offSite = false } = keep
  if (usable === 0) {
    const inMemory = backends.filter((one) => isNamed(keep, one) && one.durability === 'memory')
    return inMemory.length > 0
      ? `${listed(inMemory)} keep copies in memory, and a copy in memory is no copy`
      : 'no backend that it allows takes copies'
  }
  const domains = terms.domains.filter((domain) => (domain & usable) !== 0).length
  const allowed = backends.filter((_, at) => ((usable >> at) & 1) === 1)
  if (domains < wanted.domains) {
    return `${durability} needs copies in ${wanted.domains} failure domains, and ${listed(allowed)} are in ${domains}`
  }
  if (allowed.length < wanted.copies) {
    return `it wants ${wanted.copies} copies, and there are ${allowed.length} backends for them: ${listed(allowed)}`
  }
  const missing = tiers.find((tier) => allowed.every((one) => !one.tags.includes(tier)))
  if (missing !== undefined) return `none of ${listed(allowed)} has the tag ${JSON.stringify(missing)}`
  if (offSite && allowed.every((one) => !one.offSite)) return `none of ${listed(allowed)} is off-site`
  const atAnyCost = { ...terms, maxCost: Infinity }
  const cheapest = choose(atAnyCost, 0, usable)
  if (scoreOf(terms, cheapest) < fullScore(terms)) {
    const needed = sizeOf(choose({ ...atAnyCost, maximum: backends.length }, 0, usable))
    return `it takes ${needed} copies, and its maximum is ${maximum}`
  }
  const cost = costOf(cheapest, terms.costs) / 1e9
  return `the cheapest copies cost ${cost} a GiB and month, and maxCostPerGiBMonth is ${keep.maxCostPerGiBMonth}`
}

function listed(backends: readonly BackendFacts[]): string {
  return backends.map(({ name }) => name).join(', ')
}
