/** What leaves a memory cache: why, how often, and who is told. */
import { isEvictionHeard, publishEviction } from './reports.ts'

/**
 * Why an entry left the cache:
 * - `capacity`: the policy gave its room to another one
 * - `resized`: the same, because the limits became smaller
 * - `expired`: its time was over when it was asked for
 * - `replaced`: its key got another value
 * - `bypassed`: its key got a value that is larger than the cache, so that there is none now
 * - `deleted`, `cleared`: by a call, or by closing
 */
export type EvictionReason = (typeof reasons)[number]

const reasons = ['capacity', 'resized', 'expired', 'replaced', 'bypassed', 'deleted', 'cleared'] as const

const numbers = Object.fromEntries(reasons.map((reason, at) => [reason, at])) as Record<
  EvictionReason,
  number
>

/** A value that has left, for those who are told. */
interface Gone<V> {
  readonly key: string
  readonly value: V
  readonly reason: EvictionReason
  readonly bytes: number
}

/** The evictions of one cache. */
export class Evictions<V> {
  readonly #cache: string
  readonly #onEvict: ((key: string, value: V, reason: EvictionReason) => void) | undefined
  /** By reason. */
  readonly #counts = new Float64Array(reasons.length)
  #gone: Gone<V>[] = []
  #isTelling = false

  constructor(cache: string, onEvict: ((key: string, value: V, reason: EvictionReason) => void) | undefined) {
    this.#cache = cache
    this.#onEvict = onEvict
  }

  /** Whether anybody is told. */
  get isHeard(): boolean {
    return this.#onEvict !== undefined || isEvictionHeard()
  }

  count(reason: EvictionReason): void {
    this.#counts[numbers[reason]]! += 1
  }

  /** Keeps what is to be told by the next {@link tell}. */
  keep(gone: Gone<V>): void {
    this.#gone.push(gone)
  }

  /**
   * Hands on what has left. What is thrown there passes through; the cache is whole by then, and the next call hands on the
   * rest. Calls from there leave it to this one, so that they do not pile up.
   */
  tell(): void {
    if (this.#gone.length > 0 && !this.#isTelling) this.#handOn()
  }

  counts(): Readonly<Record<EvictionReason, number>> {
    const counts = reasons.map((reason, at) => [reason, this.#counts[at]!] as const)
    return Object.freeze(Object.fromEntries(counts) as Record<EvictionReason, number>)
  }

  #handOn(): void {
    this.#isTelling = true
    let told = 0
    try {
      while (told < this.#gone.length) {
        const { key, value, reason, bytes } = this.#gone[told]!
        told += 1
        publishEviction(this.#cache, reason, bytes)
        this.#onEvict?.(key, value, reason)
      }
    } finally {
      this.#gone = this.#gone.slice(told)
      this.#isTelling = false
    }
  }
}
