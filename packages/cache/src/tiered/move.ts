/** Takes one value to a tier that is named: up, for who will read it soon; or down, for who will not. */
import { throwIfCancelled } from '@ipfs-kit/concurrency'
import { CacheError } from '../errors.ts'
import { sayingOf } from './breaker.ts'
import type { Content } from './content.ts'
import { decisive, type Parts, putInto, takeOut, takes, tierNamed } from './parts.ts'
import { tiersFailed, type Unanswered } from './search.ts'
import type { Tier } from './tier.ts'

/** What a move did. */
export interface MoveReport {
  /** As tiers have it. */
  readonly key: string
  readonly size: number
  readonly to: string
  /** Whether the tier had it before. */
  readonly wasThere: boolean
  /** Tiers above that do not have it any more. */
  readonly left: readonly string[]
  /** Tiers above that still have it, or may. */
  readonly stays: readonly { readonly tier: string; readonly why: string }[]
}

/**
 * Puts a value into a tier, and takes it out of those above. Out of a store it goes only when `minCopies` stores from the
 * named one down have it. What lies below stays.
 *
 * @returns undefined if no tier has it
 * @throws CacheError CACHE_NO_TIER, CACHE_TIER_REFUSES, CACHE_TOO_LARGE, CACHE_TIERS_FAILED; what the tier fails with
 */
export async function moveKey(parts: Parts, content: Content, name: string): Promise<MoveReport | undefined> {
  const to = tierNamed(parts, name)
  using _held = await parts.locks.acquire(content.key)
  const there = to.silence(content) === undefined ? await to.stat(content) : undefined
  const size = there?.size ?? (await bring(parts, content, to))
  if (size === undefined) return undefined
  const left: string[] = []
  const stays: { tier: string; why: string }[] = []
  for (const tier of parts.tiers.slice(0, to.index)) {
    const why = await leave(parts, content, tier, to)
    if (why === 'gone') left.push(tier.name)
    else if (why !== undefined) stays.push(Object.freeze({ tier: tier.name, why }))
  }
  return Object.freeze({
    ...{ key: content.key, size, to: to.name, wasThere: there !== undefined },
    ...{ left: Object.freeze(left), stays: Object.freeze(stays) },
  })
}

/** Puts what another tier has into a tier. @returns its size; undefined if no tier has it */
async function bring(parts: Parts, content: Content, to: Tier): Promise<number | undefined> {
  const { tiers, policy, forgotten } = parts
  const unanswered: Unanswered[] = []
  const before = forgotten.count
  for (const tier of tiers) {
    if (tier === to || !tier.knows(content)) continue
    const why = tier.silence(content)
    if (why !== undefined) {
      unanswered.push({ tier, why })
      continue
    }
    const reading = await readFrom(tier, content, policy.maxWholeBytes).catch((error: unknown) => {
      throwIfCancelled()
      unanswered.push({ tier, why: sayingOf(error), error })
    })
    if (reading === undefined) continue
    if (reading.kind === 'large')
      throw new CacheError(
        'CACHE_TOO_LARGE',
        `A value of ${reading.size} bytes is not moved: above maxWholeBytes, ${policy.maxWholeBytes}`,
      )
    // It may have gone since by another way.
    if (to.memory !== undefined && forgotten.count !== before) return bring(parts, content, to)
    const { bytes } = reading
    if (!takes(parts, to, content, bytes.length))
      throw new CacheError(
        'CACHE_TIER_REFUSES',
        `The tier ${to.name} takes no value of ${bytes.length} bytes`,
      )
    await putInto(parts, to, content, bytes, { reason: 'moved' })
    return bytes.length
  }
  const open = decisive(parts, unanswered)
  if (open.length > 0) throw tiersFailed(`${JSON.stringify(content.key)} cannot be moved`, open)
  return undefined
}

/** What a tier has, which counts as no read of it where that can be had. */
async function readFrom(tier: Tier, content: Content, maxBytes: number) {
  const held = tier.memory?.look(content.key)
  if (held?.isVerified === true) return { kind: 'whole' as const, bytes: held.bytes }
  return tier.read(content, maxBytes)
}

/** Takes a value out of a tier above. `undefined` if it was not there, or why it stays. */
async function leave(parts: Parts, content: Content, tier: Tier, to: Tier): Promise<string | undefined> {
  if (!tier.knows(content)) return undefined
  try {
    if ((await tier.stat(content)) === undefined) return undefined
    if (tier.rules.role === 'store' && (await copiesFrom(parts, content, to)) < parts.policy.minCopies)
      return `it is a store, and fewer than ${parts.policy.minCopies} stores from ${to.name} down have it`
    if (!tier.backend.supports.delete) return 'it does not delete'
    await takeOut(parts, tier, content)
    return 'gone'
  } catch (error) {
    throwIfCancelled()
    return sayingOf(error)
  }
}

/** Stores from a tier down that have a value. One that does not answer counts as one that has nothing. */
async function copiesFrom({ stores }: Parts, content: Content, from: Tier): Promise<number> {
  let copies = 0
  for (const store of stores) {
    if (store.index < from.index || store.silence(content) !== undefined || !store.knows(content)) continue
    if ((await store.stat(content)) !== undefined) copies += 1
  }
  return copies
}
