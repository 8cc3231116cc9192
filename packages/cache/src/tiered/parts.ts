/** What the parts of a tiered store share. */
import type { KeyedLock, Owner } from '@ipfs-kit/concurrency'
import type { Content } from './content.ts'
import type { KnownKey, KnownKeys } from './known-keys.ts'
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
  options: { readonly reason: 'put' | 'promoted' | 'demoted'; readonly ifAbsent?: boolean },
): Promise<void> {
  if (tier.memory === undefined) await tier.put(content, bytes, options.ifAbsent)
  else holdInMemory(parts, tier, content, bytes)
  parts.known.place(content.key, tier.index, options.reason)
}

/** Puts bytes into a memory tier, at once. */
export function holdInMemory(parts: Parts, tier: Tier, content: Content, bytes: Uint8Array): void {
  if (!tier.memory!.hold(content.key, bytes, parts.known.of(content.key)))
    throw tier.fault(`it did not take ${bytes.length} bytes`)
  tier.counts.puts += 1
}
