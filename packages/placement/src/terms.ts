/**
 * What a requirement asks of the backends that there are, in sets of backends: bit n of a number is the nth backend by name. So
 * the best set of copies can be searched for among all of them.
 */
import type { BackendFacts, Requirement } from './policy.ts'

/** A requirement over backends. */
export interface Terms {
  /** Backends that copies may be on. */
  readonly candidates: number
  /** Backends by failure domain. */
  readonly domains: readonly number[]
  /** Copies and domains without which content is under, and those that are made. */
  readonly least: Counts
  readonly wanted: Counts
  /** Of each of these sets there has to be one. */
  readonly oneOfEach: readonly number[]
  readonly maximum: number
  /** Cost a GiB and month, in billionths, so that sums are exact. */
  readonly maxCost: number
  readonly costs: readonly number[]
}

export interface Counts {
  readonly copies: number
  readonly domains: number
}

/** Makes the terms of a requirement. Backends are sorted by name. */
export function termsOf(keep: Requirement, backends: readonly BackendFacts[]): Terms {
  const { minimum, target, maximum, durability = 'quorum', tiers = [], offSite = false } = keep
  const candidates = setOf(backends, (one) => isNamed(keep, one) && one.durability !== 'memory')
  const byDomain = new Map<string, number>()
  backends.forEach(({ failureDomain }, at) => {
    if (((candidates >> at) & 1) === 1) {
      byDomain.set(failureDomain, (byDomain.get(failureDomain) ?? 0) | (1 << at))
    }
  })
  const domains = [...byDomain.values()]
  const [leastDomains, wantedDomains] = {
    single: [1, 1],
    quorum: [Math.max(minimum, Math.floor(target / 2) + 1), target],
    all: [Math.max(1, domains.length), Math.max(1, domains.length)],
    tiered: [minimum, target],
  }[durability] as [number, number]
  const off = offSite ? [setOf(backends, (one) => one.offSite) & candidates] : []
  return {
    candidates,
    domains,
    least: { copies: Math.max(minimum, leastDomains), domains: leastDomains },
    wanted: { copies: Math.max(target, wantedDomains), domains: wantedDomains },
    oneOfEach: [
      ...tiers.map((tier) => setOf(backends, (one) => one.tags.includes(tier)) & candidates),
      ...off,
    ],
    maximum,
    maxCost: keep.maxCostPerGiBMonth === undefined ? Infinity : billionths(keep.maxCostPerGiBMonth),
    costs: backends.map((one) => billionths(one.costPerGiBMonth)),
  }
}

/** Whether a requirement lets copies be on a backend. */
export function isNamed({ backends, tags }: Requirement, one: BackendFacts): boolean {
  if (backends === undefined && tags === undefined) return true
  return (backends?.includes(one.name) ?? false) || (tags?.some((tag) => one.tags.includes(tag)) ?? false)
}

/** The set of those for which something holds. */
export function setOf<T>(all: readonly T[], isIn: (one: T) => boolean): number {
  return all.reduce((set, one, at) => (isIn(one) ? set | (1 << at) : set), 0)
}

/** How many are in a set of at most 16. */
export function sizeOf(set: number): number {
  let size = 0
  for (let rest = set; rest !== 0; rest &= rest - 1) size += 1
  return size
}

/** Of how many of the sets there is one. */
export function touched(set: number, sets: readonly number[]): number {
  let count = 0
  for (const one of sets) if ((set & one) !== 0) count += 1
  return count
}

/** What the copies in a set cost a GiB and month, in billionths. */
export function costOf(set: number, costs: readonly number[]): number {
  let cost = 0
  for (let at = 0, rest = set; rest !== 0; at += 1, rest >>= 1) if ((rest & 1) === 1) cost += costs[at]!
  return cost
}

/** Whether what must be there is there. */
export function meets(terms: Terms, set: number): boolean {
  const counted = set & terms.candidates
  return (
    sizeOf(counted) >= terms.least.copies &&
    touched(counted, terms.domains) >= terms.least.domains &&
    touched(counted, terms.oneOfEach) === terms.oneOfEach.length
  )
}

/** Whether there are not too many, and they do not cost too much. */
export function isWithin({ maximum, maxCost, costs }: Terms, set: number): boolean {
  return sizeOf(set) <= maximum && costOf(set, costs) <= maxCost
}

function billionths(cost: number): number {
  return Math.round(cost * 1e9)
}
