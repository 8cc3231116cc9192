/** What the parts of a tiered store share. */
import type { KeyedLock, Owner } from '@ipfs-kit/concurrency'
import { CacheError } from '../errors.ts'
import type { Content } from './content.ts'
import type { KnownKey, KnownKeys, Place } from './known-keys.ts'
import type { InMemoryTier } from './memory-tier.ts'
import type { CheckedPolicy } from './policy.ts'
import type { Unanswered } from './search.ts'
import type { Tier } from './tier.ts'

export interface Parts {
  readonly policy: CheckedPolicy
  readonly tiers: readonly Tier[]
  /** Those that keep what they take: the stores, or all if there is none. */
  readonly stores: readonly Tier[]
  /** The first memory tier. */
  readonly memory: { readonly tier: Tier; readonly cache: InMemoryTier } | undefined
  readonly known: KnownKeys
  /** Held by whoever changes what a key has. */
  readonly locks: KeyedLock<string>
  /** Values that were carried further down: a search that asked tiers out of their order may have missed one on its way. */
  readonly carried: { count: number }
  /** Times that values went by another way: what was read before may not be there any more. */
  readonly forgotten: { count: number }
  readonly owner: Owner
}

/** Those without whose answer nobody can say that a key has no value. */
export function decisive(parts: Parts, unanswered: readonly Unanswered[]): readonly Unanswered[] {
  return unanswered.filter(({ tier }) => parts.stores.includes(tier))
}

/** What is remembered of a key, with its reads from memory up to now. */
export function entryOf({ tiers, known }: Parts, key: string): KnownKey | undefined {
  for (const { memory } of tiers) memory?.settle(key)
  return known.get(key)
}

/** @throws CacheError CACHE_NO_TIER */
export function tierNamed({ tiers, policy }: Parts, name: string): Tier {
  const tier = tiers.find((one) => one.name === name)
  if (tier !== undefined) return tier
  const names = tiers.map((one) => one.name).join(', ')
  throw new CacheError('CACHE_NO_TIER', `${policy.name} has no tier ${JSON.stringify(name)}; it has ${names}`)
}

/** Whether the rules of a tier let a value in that it can take. */
export function takes(parts: Parts, tier: Tier, content: Content, size: number): boolean {
  return (
    tier.backend.supports.write &&
    tier.knows(content) &&
    tier.admits(size, parts.policy.typeOf?.(content.key))
  )
}

/** Puts verified bytes, which nobody changes any more, into a tier. */
export async function putInto(
  parts: Parts,
  tier: Tier,
  content: Content,
  bytes: Uint8Array,
  options: { readonly reason: Exclude<Place['reason'], 'found'>; readonly ifAbsent?: boolean },
): Promise<void> {
  if (tier.memory === undefined) await tier.put(content, bytes, options.ifAbsent)
  else holdInMemory(parts, tier, content, bytes)
  parts.known.place(content.key, tier.index, options.reason)
}

/** Takes a value that lies further down by now out of a tier. */
export async function takeOut(parts: Parts, tier: Tier, content: Content): Promise<void> {
  parts.carried.count += 1
  await tier.delete(content)
  parts.known.unplace(content.key, tier.index)
}

/** Puts bytes into a memory tier, at once. */
export function holdInMemory(parts: Parts, tier: Tier, content: Content, bytes: Uint8Array): void {
  if (!tier.memory!.hold(content.key, bytes, parts.known.of(content.key)))
    throw tier.fault(`it did not take ${bytes.length} bytes`)
  tier.counts.puts += 1
}
