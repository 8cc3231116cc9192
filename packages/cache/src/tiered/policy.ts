/** The policy of a tiered store: what each tier is for, and how long, how much and how often. */
import type { CallOptions, StorageBackend } from '@ipfs-kit/storage'
import { InMemoryTier } from './memory-tier.ts'

/** What holds for one tier. */
export interface TierRules {
  /**
   * `store`: it keeps what it has taken; acknowledged puts and listings rest on these. `cache`: it may forget at any time.
   * Default: `cache` for a memory tier, `store` for any other. If no tier is a store, all count as such.
   */
  readonly role?: 'store' | 'cache'
  /**
   * How long a call, or the wait for the next piece of a body, may take. Infinity: no time is taken, as for a disk of this
   * machine, which answers in microseconds or not at all. Default 10,000.
   */
  readonly timeoutMs?: number
  /** After so long without an answer to a read, the next tier is asked as well. Default: not before this one has ended. */
  readonly hedgeAfterMs?: number
  /** Larger values are not put here. Default: that of the policy. */
  readonly maxValueBytes?: number
  /** Media types that are put here, as `image/png` or `image/*`, by `typeOf`. Default: whatever the type. */
  readonly types?: readonly string[]
  /** Calls that run at once; more wait. Default 64. */
  readonly maxCalls?: number
  /** A sweep takes out of this tier what is less hot than this and lies further down. Default 0: nothing. */
  readonly demoteBelow?: number
  /** What it holds, for `stats()`, if it can say so at once. Default: nothing is said; a memory tier says it by itself. */
  readonly usage?: () => TierUsage
  /** What it knows of a value besides its size, for `explain`; `undefined` if it has none. A disk cache knows. */
  readonly entry?: (key: string, options: CallOptions) => Promise<TierEntry | undefined>
}

/** What a tier holds. */
export interface TierUsage {
  readonly entries: number
  readonly bytes: number
  /** Bytes that it may hold, where that is bounded. */
  readonly maxBytes?: number
  /** The same by media type and by age, where it is known. */
  readonly byMediaType?: Readonly<Record<string, UsedPart>>
  readonly byAge?: Readonly<Record<string, UsedPart>>
}

/** Some of what a tier holds. */
export interface UsedPart {
  readonly entries: number
  readonly bytes: number
}

/** What a tier knows of a value. Times are milliseconds since 1970; Infinity: never. */
export interface TierEntry {
  readonly storedAt?: number
  readonly expiresAt?: number
  readonly mediaType?: string | undefined
}

/** When a tier is not asked any more, and when again. */
export interface BreakerRules {
  /** Failures in a row after which it is left alone. Bytes that are not those of a CID are enough alone. Default 5. */
  readonly failures?: number
  /** Time until the first probe of the tier. Doubles with each probe that fails. Default 1,000. */
  readonly openMs?: number
  /** The longest time between two probes. Default 60,000. */
  readonly maxOpenMs?: number
}

/** The second argument of {@link tiered}. Everything has a default. */
export interface TieredPolicy {
  /** How people call it. Default `tiered`. */
  readonly name?: string
  /** Default: that of the first store. */
  readonly failureDomain?: string
  /** Default: `cid` if any tier is of that kind, else `any`. With `any`, tiers of CIDs have only the keys that are CIDs. */
  readonly keys?: 'any' | 'cid'
  /** Rules by the name of the tier. */
  readonly tiers?: Readonly<Record<string, TierRules>>
  /** Stores that a put has to reach, 1 to their number. Default 1. */
  readonly minCopies?: number
  /** Reads of a key after which a value from further down is put into the tiers above. Default 1. */
  readonly promoteAfterHits?: number
  /** Time in which the heat of a key that nobody asks for halves. Default 600,000. */
  readonly heatHalfLifeMs?: number
  /** Keys of which heat and places are remembered. Default 65,536. */
  readonly maxKeys?: number
  /** Values up to this size are read whole and checked before they are answered; larger ones are streamed. Default 4 MiB. */
  readonly maxWholeBytes?: number
  /** Bytes of a value that is put. Default 64 MiB. */
  readonly maxValueBytes?: number
  /** Bytes of all bodies that arrive at once. Default 256 MiB. */
  readonly maxArrivingBytes?: number
  /** Keys that are searched for at once; more wait. Default 64. */
  readonly maxReads?: number
  /** Promotions at once; more are left out. Default 16. */
  readonly maxPromotions?: number
  /** The media type of a key. Default: unknown, which only tiers without `types` take. */
  readonly typeOf?: (key: string) => string | undefined
  readonly breaker?: BreakerRules
  /** Time between two sweeps for what has gone cold. Default: none but by `demote()`. */
  readonly demoteEveryMs?: number
  /** The clock of heat and ages, in milliseconds. Default: that of the running backend. */
  readonly now?: () => number
}

/** The rules of one tier, complete. */
export interface CheckedRules extends Required<
  Omit<TierRules, 'hedgeAfterMs' | 'types' | 'usage' | 'entry'>
> {
  readonly hedgeAfterMs: number | undefined
  readonly types: readonly string[] | undefined
  readonly usage: TierRules['usage']
  readonly entry: TierRules['entry']
}

export type CheckedBreaker = Required<BreakerRules>

/** A policy, complete. */
export interface CheckedPolicy extends Required<
  Omit<TieredPolicy, 'tiers' | 'typeOf' | 'demoteEveryMs' | 'now' | 'breaker'>
> {
  readonly rules: readonly CheckedRules[]
  readonly breaker: CheckedBreaker
  readonly typeOf: TieredPolicy['typeOf']
  readonly demoteEveryMs: number | undefined
  readonly now: TieredPolicy['now']
}

const policyKeys = [
  ...['name', 'failureDomain', 'keys', 'tiers', 'minCopies', 'promoteAfterHits', 'heatHalfLifeMs', 'maxKeys'],
  ...['maxWholeBytes', 'maxValueBytes', 'maxArrivingBytes', 'maxReads', 'maxPromotions', 'typeOf', 'breaker'],
  ...['demoteEveryMs', 'now'],
]
const ruleKeys = [
  ...['role', 'timeoutMs', 'hedgeAfterMs', 'maxValueBytes', 'types', 'maxCalls', 'demoteBelow'],
  ...['usage', 'entry'],
]
const breakerKeys = ['failures', 'openMs', 'maxOpenMs']
const most = Number.MAX_SAFE_INTEGER
/** What a timer can wait. */
const longestMs = 2_147_483_647

/** @throws TypeError, RangeError */
export function checkPolicy(tiers: readonly StorageBackend[], policy: TieredPolicy): CheckedPolicy {
  if (!Array.isArray(tiers) || tiers.length === 0)
    throw new TypeError('tiered takes a list of one tier or more')
  refuseUnknown(policy, policyKeys, 'The policy')
  refuseUnknown(policy.breaker ?? {}, breakerKeys, 'breaker')
  const names = tiers.map((tier) => tier.name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new TypeError(`Two tiers have the name ${twice}: give each its own`)
  refuseUnknown(policy.tiers ?? {}, names, 'tiers')
  const { name = 'tiered', maxValueBytes = 67_108_864, typeOf, demoteEveryMs, now } = policy
  checkCount('maxValueBytes', maxValueBytes, 1, most)
  const rules = tiers.map((tier) => checkRules(tier, policy.tiers?.[tier.name] ?? {}, maxValueBytes))
  const stores = rules.some(({ role }) => role === 'store')
    ? rules.filter(({ role }) => role === 'store')
    : rules
  const isOfCids = tiers.some(({ supports }) => supports.keys === 'cid')
  const checked: CheckedPolicy = {
    name,
    failureDomain: policy.failureDomain ?? tiers[rules.indexOf(stores[0]!)]!.failureDomain,
    keys: policy.keys ?? (isOfCids ? 'cid' : 'any'),
    rules,
    minCopies: policy.minCopies ?? 1,
    promoteAfterHits: policy.promoteAfterHits ?? 1,
    heatHalfLifeMs: policy.heatHalfLifeMs ?? 600_000,
    maxKeys: policy.maxKeys ?? 65_536,
    maxWholeBytes: policy.maxWholeBytes ?? 4_194_304,
    maxValueBytes,
    maxArrivingBytes: policy.maxArrivingBytes ?? 268_435_456,
    maxReads: policy.maxReads ?? 64,
    maxPromotions: policy.maxPromotions ?? 16,
    breaker: { failures: 5, openMs: 1000, maxOpenMs: 60_000, ...policy.breaker },
    typeOf,
    demoteEveryMs,
    now,
  }
  for (const key of ['name', 'failureDomain'] as const) {
    if (typeof checked[key] !== 'string' || checked[key] === '')
      throw new TypeError(`${key} is a text that is not empty`)
  }
  if (checked.keys !== 'any' && checked.keys !== 'cid')
    throw new TypeError(`keys is any or cid, not ${String(checked.keys)}`)
  for (const [key, value] of Object.entries({ typeOf, now })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${key} is a function`)
  }
  checkCount('minCopies', checked.minCopies, 1, stores.length)
  checkCount('promoteAfterHits', checked.promoteAfterHits, 1, most)
  checkCount('maxKeys', checked.maxKeys, 1, 16_777_216)
  for (const key of ['maxWholeBytes', 'maxArrivingBytes', 'maxReads', 'maxPromotions'] as const)
    checkCount(key, checked[key], 1, most)
  checkMs('heatHalfLifeMs', checked.heatHalfLifeMs, most)
  if (demoteEveryMs !== undefined) checkMs('demoteEveryMs', demoteEveryMs, longestMs)
  const { failures, openMs, maxOpenMs } = checked.breaker
  checkCount('breaker.failures', failures, 1, most)
  checkMs('breaker.openMs', openMs, longestMs)
  checkMs('breaker.maxOpenMs', maxOpenMs, longestMs)
  if (maxOpenMs < openMs) throw new RangeError(`breaker.maxOpenMs is ${maxOpenMs}, below openMs ${openMs}`)
  return checked
}

function checkRules(tier: StorageBackend, rules: TierRules, maxBytes: number): CheckedRules {
  const at = `tiers.${tier.name}`
  refuseUnknown(rules, ruleKeys, at)
  const { role = tier instanceof InMemoryTier ? 'cache' : 'store', timeoutMs = 10_000, hedgeAfterMs } = rules
  const { maxValueBytes = maxBytes, types, maxCalls = 64, demoteBelow = 0, usage, entry } = rules
  if (role !== 'store' && role !== 'cache')
    throw new TypeError(`${at}.role is store or cache, not ${String(role)}`)
  if (timeoutMs !== Number.POSITIVE_INFINITY) checkMs(`${at}.timeoutMs`, timeoutMs, longestMs)
  if (hedgeAfterMs !== undefined) checkMs(`${at}.hedgeAfterMs`, hedgeAfterMs, longestMs)
  checkCount(`${at}.maxValueBytes`, maxValueBytes, 0, most)
  checkCount(`${at}.maxCalls`, maxCalls, 1, most)
  if (!(demoteBelow >= 0 && demoteBelow < Number.POSITIVE_INFINITY))
    throw new RangeError(`${at}.demoteBelow is a number from 0, not ${demoteBelow}`)
  const pattern = /^[^\s/*]+\/(?:[^\s/*]+|\*)$/
  if (types !== undefined && !(Array.isArray(types) && types.every((type) => pattern.test(String(type)))))
    throw new TypeError(`${at}.types is a list of media types, as image/png or image/*`)
  for (const [key, value] of Object.entries({ usage, entry })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${at}.${key} is a function`)
  }
  return { role, timeoutMs, hedgeAfterMs, maxValueBytes, types, maxCalls, demoteBelow, usage, entry }
}

function refuseUnknown(options: object, known: readonly string[], what: string): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) throw new TypeError(`${what} has no ${unknown}; it has ${known.join(', ')}`)
}

/** @throws RangeError */
export function checkCount(name: string, value: number, least: number, greatest: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > greatest)
    throw new RangeError(`${name} is a whole number from ${least} to ${greatest}, not ${value}`)
}

/** @throws RangeError */
export function checkMs(name: string, value: number, greatest: number): void {
  if (typeof value !== 'number' || !(value > 0 && value <= greatest))
    throw new RangeError(`${name} is a number of milliseconds above 0, up to ${greatest}, not ${value}`)
}
