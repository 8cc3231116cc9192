/** Puts and deletes through all tiers. One change of a key at a time, to its end once it has begun. */
import { map, throwIfCancelled } from '@ipfs-kit/concurrency'
import { StorageError } from '@ipfs-kit/storage'
import { CacheError } from '../errors.ts'
import type { Content } from './content.ts'
import { type Parts, putInto, takes } from './parts.ts'
import type { Reads } from './reads.ts'
import { sayingOf } from './breaker.ts'
import { tiersFailed, type Unanswered } from './search.ts'
import type { Tier } from './tier.ts'

/** What became of a change in one tier. */
interface Outcome {
  readonly tier: Tier
  readonly error?: unknown
}

export class Writes {
  readonly #parts: Parts
  readonly #reads: Reads

  constructor(parts: Parts, reads: Reads) {
    this.#parts = parts
    this.#reads = reads
  }

  /** Puts bytes that are verified, and changed by nobody any more. Nothing holds them when `onEnd` is called. */
  async put(
    content: Content,
    value: { readonly bytes: Uint8Array; readonly ifAbsent: boolean; readonly onEnd: () => void },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#change(content, signal, () => this.#put(content, value.bytes, value.ifAbsent), value.onEnd)
  }

  async delete(content: Content, signal: AbortSignal): Promise<void> {
    await this.#change(content, signal, () => this.#delete(content))
  }

  /** Runs a change in the owner's scope: a caller who leaves does not leave tiers behind that differ. */
  async #change(
    content: Content,
    signal: AbortSignal,
    work: () => Promise<void>,
    onEnd: () => void = () => {},
  ): Promise<void> {
    const { owner, locks } = this.#parts
    const task = owner.spawn(
      async (scope): Promise<{ readonly error?: unknown }> => {
        try {
          using _held = await locks.acquire(content.key)
          try {
            await work()
          } finally {
            this.#reads.flights.changed(content.key)
          }
          return {}
        } catch (error) {
          if (scope.cancelled) throw error
          return { error }
        } finally {
          onEnd()
        }
      },
      { name: 'change' },
    )
    const outcome = await task.join({ signal })
    if ('error' in outcome) throw outcome.error
  }

  async #put(content: Content, bytes: Uint8Array, ifAbsent: boolean): Promise<void> {
    const { tiers, stores, policy } = this.#parts
    const takers = tiers.filter((tier) => takes(this.#parts, tier, content, bytes.length))
    const needed = takers.filter((tier) => stores.includes(tier))
    if (needed.length < policy.minCopies) {
      const what = `${needed.length} of the stores take a value of ${bytes.length} bytes here; ${policy.minCopies} have to`
      throw new StorageError('STORAGE_FULL', what)
    }
    const outcomes: Outcome[] = []
    if (ifAbsent) outcomes.push(await this.#putIfAbsent(content, bytes, needed))
    const others = needed.filter((tier) => outcomes.every((outcome) => outcome.tier !== tier))
    outcomes.push(
      ...(await each(others, (tier) => putInto(this.#parts, tier, content, bytes, { reason: 'put' }))),
    )
    const failed = outcomes.filter((outcome) => 'error' in outcome)
    const isEnough = outcomes.length - failed.length >= policy.minCopies
    const caches = isEnough ? takers.filter((tier) => !stores.includes(tier)) : []
    const cached = await each(caches, (tier) => putInto(this.#parts, tier, content, bytes, { reason: 'put' }))
    // Where the new value is not, the former one must not be answered any more.
    const whereFormer = tiers.filter((tier) => ![...outcomes, ...cached].some((one) => one.tier === tier))
    const failedTiers = [...failed, ...cached].filter((one) => 'error' in one).map(({ tier }) => tier)
    // A put that fails leaves it where it is kept.
    const former = isEnough
      ? [...failedTiers, ...whereFormer]
      : whereFormer.filter((tier) => !stores.includes(tier))
    await this.#invalidate(content, former)
    if (!isEnough) throw tooFew(content, outcomes.length - failed.length, policy.minCopies, failed)
    const { known } = this.#parts
    known.warm(known.of(content.key))
  }

  /** The first store that can decide it does; none of the others may have a value. */
  async #putIfAbsent(content: Content, bytes: Uint8Array, needed: readonly Tier[]): Promise<Outcome> {
    const unanswered: Unanswered[] = []
    let isThere = false
    await each(this.#parts.stores, async (tier) => {
      const why = tier.silence(content)
      try {
        if (why !== undefined) unanswered.push({ tier, why })
        else if (tier.knows(content) && (await tier.stat(content)) !== undefined) isThere = true
      } catch (error) {
        throwIfCancelled()
        unanswered.push({ tier, why: sayingOf(error), error })
      }
    })
    if (isThere) throw exists(content)
    if (unanswered.length > 0)
      throw tiersFailed(`Whether ${JSON.stringify(content.key)} has a value is unknown`, unanswered)
    const judge = needed.find((tier) => tier.backend.supports.conditionalPut)
    if (judge === undefined) throw new StorageError('STORAGE_NOT_SUPPORTED', 'No store here takes ifAbsent')
    await putInto(this.#parts, judge, content, bytes, { reason: 'put', ifAbsent: true })
    return { tier: judge }
  }

  /** Takes away what a tier may still have of a former value. Of a CID there is none. */
  async #invalidate(content: Content, tiers: readonly Tier[]): Promise<void> {
    if (content.multihash !== undefined) return
    const writable = tiers.filter((tier) => tier.backend.supports.write && tier.knows(content))
    const outcomes = await each(writable, (tier) => this.#deleteFrom(tier, content))
    for (const outcome of outcomes) if ('error' in outcome) outcome.tier.doubt(content)
  }

  async #delete(content: Content): Promise<void> {
    const { tiers, known } = this.#parts
    const outcomes = await each(
      tiers.filter((tier) => tier.knows(content)),
      (tier) => this.#deleteFrom(tier, content),
    )
    const failed = outcomes.filter((outcome) => 'error' in outcome)
    if (failed.length === 0) {
      const entry = known.get(content.key)
      if (entry !== undefined) entry.heat = 0
      return
    }
    const what = `${JSON.stringify(content.key)} was deleted from ${outcomes.length - failed.length} of ${outcomes.length} tiers, and not from ${namesOf(failed)}`
    throw new CacheError('CACHE_DELETE_PARTIAL', what, { cause: causeOf(failed) })
  }

  async #deleteFrom(tier: Tier, content: Content): Promise<void> {
    if (tier.memory !== undefined) tier.memory.drop(content.key)
    else await tier.delete(content)
    this.#parts.known.unplace(content.key, tier.index)
  }
}

/** Does the same in some tiers at once. What one fails with is its outcome alone. */
async function each(tiers: readonly Tier[], work: (tier: Tier) => Promise<void>): Promise<Outcome[]> {
  if (tiers.length === 0) return []
  return map(
    tiers,
    async (tier): Promise<Outcome> => {
      try {
        await work(tier)
        return { tier }
      } catch (error) {
        throwIfCancelled()
        return { tier, error }
      }
    },
    { concurrency: tiers.length },
  )
}

function tooFew(content: Content, reached: number, wanted: number, failed: readonly Outcome[]): Error {
  const what = `The put of ${JSON.stringify(content.key)} reached ${reached} stores of the ${wanted} that it has to; it failed in ${namesOf(failed)}`
  const errors = failed.map(({ error }) => error)
  const [first] = errors
  // All say the same thing that the contract has a word for.
  if (first instanceof StorageError && first.code !== 'STORAGE_CLOSED') {
    if (errors.every((error) => error instanceof StorageError && error.code === first.code))
      return new StorageError(first.code, what, { cause: causeOf(failed) })
  }
  return new CacheError('CACHE_PUT_TOO_FEW', what, { cause: causeOf(failed) })
}

function namesOf(failed: readonly Outcome[]): string {
  return failed.map(({ tier, error }) => `${tier.name} (${sayingOf(error)})`).join(', ')
}

function causeOf(failed: readonly Outcome[]): AggregateError {
  return new AggregateError(
    failed.map(({ error }) => error),
    'what the tiers failed with',
  )
}

function exists({ key }: Content): StorageError {
  return new StorageError('STORAGE_EXISTS', `The key ${JSON.stringify(key)} has a value already`)
}
