/** Reads of whole values: one search for all who ask, and promotion of what was found further down. */
import { createSemaphore, type Semaphore, throwIfCancelled } from '@ipfs-kit/concurrency'
import type { CallOptions } from '@ipfs-kit/storage'
import { type Flight, Flights } from '../flights.ts'
import type { Content } from './content.ts'
import { decisive, holdInMemory, type Parts, putInto, takes } from './parts.ts'
import { type Found, type Search, searchTiers, tiersFailed, type Unanswered } from './search.ts'
import type { Reading, Tier } from './tier.ts'

export class Reads {
  readonly #parts: Parts
  readonly flights: Flights<Found | undefined>
  readonly #promotionTurns: Semaphore
  promotionsLeftOut = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.flights = new Flights(parts.owner, 'read', parts.policy.maxReads)
    this.#promotionTurns = createSemaphore(parts.policy.maxPromotions, { name: 'turns of promotions' })
  }

  /** What memory has, if it was verified when it came in. Counts as a read. */
  fromMemory(key: string): Uint8Array | undefined {
    const { memory, known } = this.#parts
    if (memory === undefined) return undefined
    const bytes = memory.cache.take(key, known)
    if (bytes !== undefined) memory.tier.counts.hits += 1
    return bytes
  }

  /** The next read of a key promotes it. */
  willPromote(content: Content): void {
    const { known, policy } = this.#parts
    const entry = known.of(content.key)
    entry.hits = Math.max(entry.hits, policy.promoteAfterHits - 1)
  }

  /** The value of a key that memory does not have; counts as a read of it. */
  async find(content: Content, options: CallOptions): Promise<Found | undefined> {
    const { known } = this.#parts
    const remembered = known.get(content.key)
    if (remembered !== undefined) known.hit(remembered)
    const found = await this.flights.join(content.key, (flight) => this.#search(content, flight), options)
    // A key that is nowhere takes no place in the table.
    if (found !== undefined && remembered === undefined) known.hit(known.of(content.key))
    return found
  }

  /** The size of a value, by the first tier that knows it. */
  async sizeOf(content: Content): Promise<number | undefined> {
    const { found, unanswered } = await this.#everywhere(content, async (tier) => {
      const stat = await tier.stat(content)
      return stat === undefined ? undefined : { kind: 'large', size: stat.size }
    })
    if (found?.reading.kind === 'large') return found.reading.size
    this.#mustBeAbsent(content, unanswered)
    return undefined
  }

  async #search(content: Content, flight: Flight): Promise<Found | undefined> {
    const { policy, known } = this.#parts
    const { found, unanswered, lacking } = await this.#everywhere(content, (tier) =>
      this.#read(tier, content, policy.maxWholeBytes),
    )
    if (found === undefined) {
      this.#mustBeAbsent(content, unanswered)
      return undefined
    }
    known.place(content.key, found.tier.index, 'found')
    if (found.reading.kind === 'whole') {
      // What did not answer may have it, and is not to be burdened further.
      const above = lacking.filter((tier) => tier.index < found.tier.index)
      this.#promote(content, above, found.reading.bytes, flight)
    }
    return found
  }

  /** What was carried past a hedged search is found by one that asks in order: it is below before it is not above. */
  async #everywhere(content: Content, read: (tier: Tier) => Promise<Reading | undefined>): Promise<Search> {
    const { tiers, carried } = this.#parts
    const before = carried.count
    const search = await searchTiers(tiers, content, read, true)
    if (search.found !== undefined || carried.count === before) return search
    return searchTiers(tiers, content, read, false)
  }

  async #read(tier: Tier, content: Content, maxWholeBytes: number): Promise<Reading | undefined> {
    if (tier.memory !== undefined && tier.breaker.isClosed) {
      const held = tier.memory.look(content.key)
      if (held === undefined || held.isVerified) {
        tier.counts[held === undefined ? 'misses' : 'hits'] += 1
        return held === undefined ? undefined : { kind: 'whole', bytes: held.bytes }
      }
    }
    return tier.read(content, maxWholeBytes)
  }

  #promote(content: Content, above: readonly Tier[], bytes: Uint8Array, flight: Flight): void {
    const { known, policy, locks, owner } = this.#parts
    // This very read is counted when it has its answer, if the key was not remembered before.
    const hits = Math.max(1, known.get(content.key)?.hits ?? 0)
    if (hits < policy.promoteAfterHits || flight.isStale) return
    const takers = above.filter((tier) => takes(this.#parts, tier, content, bytes.length))
    for (const tier of takers) {
      if (!tier.breaker.isClosed) continue
      if (tier.memory !== undefined) {
        if (!locks.isLocked(content.key)) this.#hold(tier, content, bytes)
        continue
      }
      const turn = this.#promotionTurns.tryAcquire()
      if (turn === undefined) {
        this.promotionsLeftOut += 1
        continue
      }
      this.flights.keep(content.key, flight)
      owner.spawn(
        async () => {
          using _turn = turn
          try {
            using _held = await locks.acquire(content.key)
            await this.#promoteTo(tier, content, bytes, flight)
          } finally {
            this.flights.release(content.key, flight)
          }
        },
        { name: 'promotion' },
      )
    }
  }

  /** Memory gets a value at once. */
  #hold(tier: Tier, content: Content, bytes: Uint8Array): void {
    try {
      holdInMemory(this.#parts, tier, content, bytes)
    } catch {
      // As with any other tier that does not take it: counted, and whoever asked has the value.
      return
    }
    this.#parts.known.place(content.key, tier.index, 'promoted')
    tier.counts.promotions += 1
  }

  async #promoteTo(tier: Tier, content: Content, bytes: Uint8Array, flight: Flight): Promise<void> {
    if (flight.isStale) return
    try {
      await putInto(this.#parts, tier, content, bytes, { reason: 'promoted' })
      tier.counts.promotions += 1
    } catch {
      // The tier has counted it, and its breaker knows; whoever asked has the value already.
      throwIfCancelled()
    }
  }

  #mustBeAbsent(content: Content, unanswered: readonly Unanswered[]): void {
    const open = decisive(this.#parts, unanswered)
    if (open.length > 0)
      throw tiersFailed(`Whether ${JSON.stringify(content.key)} has a value is unknown`, open)
  }
}
