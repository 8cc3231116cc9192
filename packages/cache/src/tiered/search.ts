/** Looks for a value tier by tier; a slow one is overtaken. */
import { createEvent, moveOnAfter, race, TaskGroupError, throwIfCancelled } from '@ipfs-kit/concurrency'
import { CacheError } from '../errors.ts'
import type { Content } from './content.ts'
import { sayingOf } from './breaker.ts'
import type { Reading, Tier } from './tier.ts'

/** A value, and where it was. */
export interface Found {
  readonly tier: Tier
  readonly reading: Reading
}

/** A tier that did not answer, and why. */
export interface Unanswered {
  readonly tier: Tier
  readonly why: string
  readonly error?: unknown
}

/** A racer that has found nothing is no winner. */
class Missed extends Error {}

/** What came of a search. */
export interface Search {
  /** `undefined` if no tier that answered has it. */
  readonly found: Found | undefined
  readonly unanswered: readonly Unanswered[]
  /** Those that said that they have nothing. */
  readonly lacking: readonly Tier[]
}

/** Looks for the value of a key, from the first tier to the last. Where it is hedged, some are asked out of this order. */
export async function searchTiers(
  tiers: readonly Tier[],
  content: Content,
  read: (tier: Tier) => Promise<Reading | undefined>,
  isHedged: boolean,
): Promise<Search> {
  const unanswered: Unanswered[] = []
  const lacking: Tier[] = []
  const asked = tiers.filter((tier) => tier.knows(content))

  const ask = async (tier: Tier): Promise<Found | undefined> => {
    const why = tier.silence(content)
    if (why !== undefined) {
      unanswered.push({ tier, why })
      return undefined
    }
    try {
      const reading = await read(tier)
      if (reading !== undefined) return { tier, reading }
      lacking.push(tier)
      return undefined
    } catch (error) {
      throwIfCancelled()
      unanswered.push({ tier, why: sayingOf(error), error })
      return undefined
    }
  }

  const from = async (at: number): Promise<Found | undefined> => {
    const tier = asked[at]
    if (tier === undefined) return undefined
    const { hedgeAfterMs } = tier.rules
    if (!isHedged || hedgeAfterMs === undefined || at === asked.length - 1)
      return (await ask(tier)) ?? (await from(at + 1))
    const passed = createEvent({ name: 'the tier has nothing' })
    const first = async (): Promise<Found> => {
      const found = await ask(tier)
      if (found !== undefined) return found
      throwIfCancelled()
      passed.set()
      throw new Missed()
    }
    const next = async (): Promise<Found> => {
      const isSlow = (await moveOnAfter(hedgeAfterMs, () => isSet(passed))) === undefined
      if (isSlow) tier.counts.hedges += 1
      const found = await from(at + 1)
      if (found !== undefined) {
        if (isSlow && !passed.isSet) tier.counts.hedgesLost += 1
        return found
      }
      throwIfCancelled()
      throw new Missed()
    }
    try {
      return await race([first, next], { until: 'fulfilled', name: 'hedged read' })
    } catch (error) {
      if (error instanceof TaskGroupError && error.errors.every((one) => one instanceof Missed))
        return undefined
      throw error
    }
  }

  return { found: await from(0), unanswered, lacking }
}

async function isSet(event: { wait(): Promise<void> }): Promise<true> {
  await event.wait()
  return true
}

/** What a caller gets who cannot be told that there is nothing: a tier that may have it has not answered. */
export function tiersFailed(what: string, unanswered: readonly Unanswered[]): CacheError {
  const list = unanswered.map(({ tier, why }) => `${tier.name} (${why})`).join(', ')
  const errors = unanswered.flatMap(({ error }) => (error === undefined ? [] : [error]))
  return new CacheError(
    'CACHE_TIERS_FAILED',
    `${what}: no answer from ${list}`,
    errors.length === 0 ? undefined : { cause: new AggregateError(errors, 'what the tiers failed with') },
  )
}
