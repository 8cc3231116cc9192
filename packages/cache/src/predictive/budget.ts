/** What prefetches may cost all readers together: bytes in flight, and bytes that nobody used. */
import type { PredictionSource } from './predictor.ts'

/** Guessed for a block before any was seen: the default of many chunkers. */
const firstGuessBytes = 262_144
/** Blocks that may be guessed wrong before there is anything to compare them with. */
const freeGuesses = 8
/** After so many times `maxBytes` of demand what was before counts half. */
const memory = 64

/** The budgets of a prefetcher. Sizes of blocks that are not here yet are estimates: the largest of late. */
export class Budget {
  readonly maxBytes: number
  readonly #maxAddedShare: number
  #estimate: number
  /** Of prefetches that run, by estimate. */
  #running = 0
  /** Of what arrived and waits for its reader. */
  waitingBytes = 0
  /** Of guesses that run or wait. */
  #guessed = 0
  #demanded = 0
  #added = 0

  constructor(maxBytes: number, maxAddedShare: number) {
    this.maxBytes = maxBytes
    this.#maxAddedShare = maxAddedShare
    this.#estimate = Math.min(firstGuessBytes, maxBytes)
  }

  /** Bytes in flight by estimate. */
  get runningBytes(): number {
    return this.#running
  }

  /** Bytes that a prefetch takes from here on; `undefined` if it may not begin. */
  reserve(source: PredictionSource): number | undefined {
    const bytes = this.#estimate
    if (this.#running + this.waitingBytes + bytes > this.maxBytes) return undefined
    const allowed = this.#maxAddedShare * this.#demanded
    // What a DAG names may have a window in flight that its reader leaves; what is guessed counts until it is used.
    const isLinked = source === 'links'
    const spent = this.#added + (isLinked ? 0 : this.#guessed + bytes)
    if (spent > allowed + (isLinked ? this.maxBytes : freeGuesses * bytes)) return undefined
    this.#running += bytes
    if (!isLinked) this.#guessed += bytes
    return bytes
  }

  /** A prefetch has ended. False if what it brought has no room. */
  settle(reserved: number, bytes: number | undefined): boolean {
    this.#running -= reserved
    if (bytes === undefined || this.#running + this.waitingBytes + bytes > this.maxBytes) return false
    this.waitingBytes += bytes
    return true
  }

  /** Bytes that waited are used or given up. */
  release(bytes: number): void {
    this.waitingBytes -= bytes
  }

  /** A prefetch is used, or never will be: what it reserved counts no longer as a guess. */
  decided(source: PredictionSource, reserved: number): void {
    if (source !== 'links') this.#guessed -= reserved
  }

  /** How large a block was. */
  saw(bytes: number): void {
    const largest = bytes > this.#estimate ? bytes : this.#estimate - (this.#estimate - bytes) / 16
    this.#estimate = Math.min(Math.max(Math.ceil(largest), 1), this.maxBytes)
  }

  /** Bytes that a reader asked for and that were not nearby. */
  demanded(bytes: number): void {
    this.#demanded += bytes
    if (this.#demanded <= memory * this.maxBytes) return
    this.#demanded /= 2
    this.#added /= 2
  }

  /** Bytes that were fetched for nobody. */
  wasted(bytes: number): void {
    this.#added += bytes
  }
}
