/** One tier: every call of it has a deadline and a turn, and what comes of it is counted. */
import {
  createSemaphore,
  currentScope,
  failAfter,
  type Owner,
  run,
  type Scope,
  throwIfCancelled,
  TimeoutError,
} from '@ipfs-kit/concurrency'
import { isBlocksBackend, matches } from '@ipfs-kit/blocks'
import { type ObjectStat, type StorageBackend, StorageError, takeIn } from '@ipfs-kit/storage'
import { Breaker, type BreakerStats } from './breaker.ts'
import type { MemoryCacheStats } from '../memory-cache.ts'
import type { Content } from './content.ts'
import { leave } from './leave.ts'
import { InMemoryTier } from './memory-tier.ts'
import type { CheckedBreaker, CheckedRules, TierEntry, TierUsage } from './policy.ts'
import { publishTier } from './reports.ts'

/** A frozen look at a tier. */
export interface TierStats {
  readonly name: string
  readonly role: 'store' | 'cache'
  /** Reads that it answered, and those for which it had nothing. */
  readonly hits: number
  readonly misses: number
  readonly puts: number
  readonly deletes: number
  /** Values that reads from further down have put here. */
  readonly promotions: number
  /** Values that a sweep has taken out. */
  readonly demotions: number
  /** Calls that came to no end in time; those that failed otherwise; bytes that were not those of their CID. */
  readonly timeouts: number
  readonly failures: number
  readonly lies: number
  /** Reads for which the next tier was asked before this one had answered, and how many of those it lost. */
  readonly hedges: number
  readonly hedgesLost: number
  /** Calls that run, and that wait for their turn. */
  readonly running: number
  readonly waiting: number
  /** Keys whose value here may be an older one, since a put or delete did not come through. They are not read here. */
  readonly doubtful: number
  readonly breaker: BreakerStats
  /** What it holds, if it says so. */
  readonly usage?: TierUsage
  /** Of a memory tier: hits, evictions, ghosts and the rest, as its cache counts them. */
  readonly memory?: MemoryCacheStats
}

/** What a tier has under a key: bytes that were checked, or a value too large for that. */
export type Reading =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'large'; readonly size: number }

/** What a tier says without being at fault. */
const answers = new Set<string>([
  'STORAGE_EXISTS',
  'STORAGE_FULL',
  'STORAGE_RANGE',
  'STORAGE_INVALID_KEY',
  'STORAGE_INVALID_CURSOR',
  'STORAGE_NOT_SUPPORTED',
  'STORAGE_SIZE_MISMATCH',
])

/** What ends a call. Its signal costs something once it is asked for. */
type Ending = Pick<Scope, 'signal'>

const maxDoubts = 10_000

export class Tier {
  readonly index: number
  readonly backend: StorageBackend
  readonly rules: CheckedRules
  readonly breaker: Breaker
  readonly memory: InMemoryTier | undefined
  readonly counts = {
    hits: 0,
    misses: 0,
    puts: 0,
    deletes: 0,
    promotions: 0,
    demotions: 0,
    timeouts: 0,
    failures: 0,
    lies: 0,
    hedges: 0,
    hedgesLost: 0,
  }
  readonly #turns
  readonly #cache: string
  readonly #doubts = new Set<string>()
  /** There were more doubts than are remembered. */
  #isAllDoubtful = false

  constructor(options: {
    readonly cache: string
    readonly index: number
    readonly backend: StorageBackend
    readonly rules: CheckedRules
    readonly breaker: CheckedBreaker
    readonly owner: Owner
    readonly now: () => number
  }) {
    const { cache, index, backend, rules, owner, now } = options
    this.#cache = cache
    this.index = index
    this.backend = backend
    this.rules = rules
    this.memory = backend instanceof InMemoryTier ? backend : undefined
    this.#turns = createSemaphore(rules.maxCalls, { name: `turns of ${backend.name}` })
    this.breaker = new Breaker(options.breaker, {
      probe: (call) => backend.probe(call),
      timeoutMs: rules.timeoutMs,
      owner,
      now,
      onChange: (state) => publishTier(cache, backend.name, state),
    })
  }

  get name(): string {
    return this.backend.name
  }

  /** Whether a key can be one of this tier. */
  knows({ multihash }: Content): boolean {
    return multihash !== undefined || this.backend.supports.keys === 'any'
  }

  /** Why its value of a key is not asked for now; `undefined` if it is. */
  silence(content: Content): string | undefined {
    if (!this.breaker.isClosed) return 'its circuit breaker is open'
    if (content.multihash === undefined && (this.#isAllDoubtful || this.#doubts.has(content.key)))
      return 'a put or delete did not reach it, so that it may have an older value'
    return undefined
  }

  /** Refuses a call while the tier is left alone. */
  mustBeClosed(): void {
    if (!this.breaker.isClosed) throw new Error(`The circuit breaker of the tier ${this.name} is open`)
  }

  /** Whether its rules let a value in. */
  admits(size: number, type: string | undefined): boolean {
    const { maxValueBytes, types } = this.rules
    if (size > maxValueBytes || size > (this.memory?.maxBytes ?? size)) return false
    if (types === undefined) return true
    return type !== undefined && types.some((one) => one === type || one === `${type.split('/')[0]}/*`)
  }

  /**
   * Makes a call: it has a turn and a deadline. What it fails with counts against the tier, unless that is an answer, or the
   * caller has left. What would be a failure has to be one before `work` ends: by then the tier has proved itself.
   */
  async call<T>(work: (scope: Ending) => Promise<T>): Promise<T> {
    const value = await this.callInPart(work)
    this.breaker.succeeded()
    return value
  }

  /** The same for a part of what the tier has to do: if it goes well, that proves nothing yet. */
  async callInPart<T>(work: (scope: Ending) => Promise<T>): Promise<T> {
    const { timeoutMs } = this.rules
    const inTurn = async (scope: Ending): Promise<T> => {
      using _turn = this.#turns.tryAcquire() ?? (await this.#turns.acquire())
      return await run(work(scope))
    }
    try {
      if (timeoutMs === Number.POSITIVE_INFINITY) return await inTurn(currentScope())
      return await failAfter(timeoutMs, inTurn, { name: `tier ${this.name}` })
    } catch (error) {
      throwIfCancelled()
      this.#blame(error)
      throw error
    }
  }

  /** What it has under a key, checked. A value that is not that of its CID is none. */
  async read(content: Content, maxWholeBytes: number): Promise<Reading | undefined> {
    const reading = await this.callInPart((scope) => this.#read(content, maxWholeBytes, scope))
    if (reading === 'lie') {
      this.lied()
      return undefined
    }
    if (reading?.kind !== 'large') this.breaker.succeeded()
    this.counts[reading === undefined ? 'misses' : 'hits'] += 1
    return reading
  }

  /** Its bytes were not those of a CID. */
  lied(): void {
    this.counts.lies += 1
    publishTier(this.#cache, this.name, 'lied')
    this.breaker.trip(new Error('bytes that are not those of their CID'))
  }

  async stat(content: Content): Promise<ObjectStat | undefined> {
    return this.call(async ({ signal }) => {
      const found = await this.backend.stat(content.key, { signal })
      if (found !== undefined && !isSize(found.size)) throw this.odd('it says a size that is none')
      return found
    })
  }

  /** What it knows of a value besides its size. */
  async entry(content: Content): Promise<TierEntry | undefined> {
    const { entry } = this.rules
    return entry && this.call(({ signal }) => entry(content.key, { signal }))
  }

  async put(content: Content, bytes: Uint8Array, ifAbsent = false): Promise<void> {
    this.mustBeClosed()
    const options = { size: bytes.length, ...(ifAbsent ? { ifAbsent } : {}) }
    await this.call(async ({ signal }) => {
      const stored = await this.backend.put(content.key, bytes, { ...options, signal })
      if (stored.size !== bytes.length)
        throw this.odd(`it was given ${bytes.length} bytes and says that it has taken ${stored.size}`)
    })
    this.counts.puts += 1
    this.#doubts.delete(content.key)
  }

  async delete(content: Content): Promise<void> {
    this.mustBeClosed()
    await this.call(({ signal }) => this.backend.delete(content.key, { signal }))
    this.counts.deletes += 1
    this.#doubts.delete(content.key)
  }

  /** Its value of a key may be an older one: it is not read until it is put or deleted. */
  doubt({ key }: Content): void {
    if (this.#doubts.size >= maxDoubts && !this.#doubts.has(key)) this.#isAllDoubtful = true
    else this.#doubts.add(key)
  }

  /** What a call fails with that came to what cannot be. */
  odd(what: string): Error {
    return new Error(`The tier ${this.name} is at fault: ${what}`)
  }

  /** The same where no call fails with it. */
  fault(what: string): Error {
    const error = this.odd(what)
    this.#blame(error)
    return error
  }

  stats(): TierStats {
    const { waiting, permits, available } = this.#turns.stats()
    const memory = this.memory?.stats()
    const usage = this.rules.usage?.() ?? (memory && { ...memory, maxBytes: this.memory!.maxBytes })
    return Object.freeze({
      name: this.name,
      role: this.rules.role,
      ...this.counts,
      running: permits - available,
      waiting,
      doubtful: this.#doubts.size,
      breaker: this.breaker.stats(),
      ...(usage === undefined ? {} : { usage: usageOf(usage) }),
      ...(memory === undefined ? {} : { memory }),
    })
  }

  async #read(content: Content, maxWholeBytes: number, scope: Ending): Promise<Reading | 'lie' | undefined> {
    if (isBlocksBackend(this.backend)) {
      const whole = await this.backend.getWhole(content.cid!, maxWholeBytes)
      if (whole?.bytes === undefined) return whole === undefined ? undefined : { kind: 'large', ...whole }
      return { kind: 'whole', bytes: whole.bytes }
    }
    const { signal } = scope
    const found = await this.backend.get(content.key, { signal })
    if (found === undefined) return undefined
    const { size, offset, length, body } = found
    if (!isSize(size) || offset !== 0 || length !== size) {
      await leave(body)
      throw this.odd(`${length} bytes from ${offset} on of ${size} are not the whole that was asked for`)
    }
    if (size > maxWholeBytes) {
      await leave(body)
      return { kind: 'large', size }
    }
    const bytes = new Uint8Array(size)
    let filled = 0
    await takeIn(body, signal, (piece) => {
      if (filled + piece.length > size) throw this.odd(`a body has more than the ${size} bytes declared`)
      bytes.set(piece, filled)
      filled += piece.length
    })
    if (filled !== size) throw this.odd(`a body has ${filled} bytes of the ${size} declared`)
    if (content.multihash !== undefined && !(await matches(content.multihash, bytes))) return 'lie'
    return { kind: 'whole', bytes }
  }

  #blame(error: unknown): void {
    if (error instanceof StorageError && answers.has(error.code)) return
    const isLate = error instanceof TimeoutError
    this.counts[isLate ? 'timeouts' : 'failures'] += 1
    publishTier(this.#cache, this.name, isLate ? 'timed-out' : 'failed')
    this.breaker.failed(error)
  }
}

/** No more than what belongs there. */
function usageOf({ entries, bytes, maxBytes, byMediaType, byAge }: TierUsage): TierUsage {
  return Object.freeze({
    ...{ entries, bytes },
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(byMediaType === undefined ? {} : { byMediaType }),
    ...(byAge === undefined ? {} : { byAge }),
  })
}

export function isSize(size: unknown): size is number {
  return Number.isSafeInteger(size) && (size as number) >= 0
}
