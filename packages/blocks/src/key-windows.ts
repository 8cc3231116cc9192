/**
 * Pages of keys in their order, from a store that lists in none. One look through the store gathers the smallest keys
 * behind a position, a bounded number of them: a window, from which the pages that follow are served.
 */
import { now } from '@ipfs-kit/concurrency'
import type { CallOptions, Listed } from './blocks.ts'

/** Keys of a window. */
const usualWindowKeys = 16_384
/** Keys beyond a window that are gathered before the largest are given up. */
const surplusKeys = 4096
const maxWindows = 4
/** Older windows are not used: what is put past the backend does not show in them. */
const maxAgeMs = 60_000

/** A key with the size of its value. */
export interface KeyEntry {
  readonly key: string
  readonly size: number
}

/** A part of the keys. */
export interface KeyPage {
  readonly entries: readonly KeyEntry[]
  /** Whether keys may follow behind the last of these. */
  readonly more: boolean
}

interface Window {
  readonly prefix: string
  /** Its keys are behind this one. */
  readonly after: string
  /** Up to this one all are in it. `undefined`: to the end. */
  upTo: string | undefined
  /** Sorted once the look is over. */
  entries: KeyEntry[]
  isSorted: boolean
  readonly madeAt: number
}

/** The windows of one backend. */
export class KeyWindows {
  readonly #list: (options: CallOptions) => AsyncIterable<Listed>
  readonly #windowKeys: number
  /** The one used last comes last. */
  readonly #windows = new Set<Window>()

  constructor(list: (options: CallOptions) => AsyncIterable<Listed>, windowKeys = usualWindowKeys) {
    this.#list = list
    this.#windowKeys = windowKeys
  }

  /**
   * The first `limit` keys behind `after` with a prefix; without `after`, from the beginning and by a new look. Some of
   * them may be deleted since.
   */
  async page(
    prefix: string,
    after: string | undefined,
    limit: number,
    options: CallOptions,
  ): Promise<KeyPage> {
    const window = this.#find(prefix, after) ?? (await this.#look(prefix, after ?? '', options))
    const from = after === undefined ? 0 : firstBehind(window.entries, after)
    const entries = window.entries.slice(from, from + limit)
    return { entries, more: from + limit < window.entries.length || window.upTo !== undefined }
  }

  /** Notes a key that was put through the backend. */
  added(entry: KeyEntry): void {
    const { key } = entry
    for (const window of this.#windows) {
      if (!key.startsWith(window.prefix) || key <= window.after) continue
      if (window.upTo !== undefined && key > window.upTo) continue
      if (!window.isSorted) {
        window.entries.push(entry)
        continue
      }
      const at = firstBehind(window.entries, key)
      if (window.entries[at - 1]?.key === key) continue
      window.entries.splice(at, 0, entry)
      if (window.entries.length >= this.#windowKeys + surplusKeys) this.#shorten(window)
    }
  }

  #find(prefix: string, after: string | undefined): Window | undefined {
    if (after === undefined) return undefined
    for (const window of this.#windows) {
      if (window.madeAt + maxAgeMs < now()) this.#windows.delete(window)
      else if (
        window.isSorted &&
        window.prefix === prefix &&
        window.after <= after &&
        (window.upTo === undefined || after < window.upTo)
      ) {
        this.#keep(window)
        return window
      }
    }
    return undefined
  }

  async #look(prefix: string, after: string, options: CallOptions): Promise<Window> {
    const window: Window = { prefix, after, upTo: undefined, entries: [], isSorted: false, madeAt: now() }
    // From now on, so that what is put meanwhile comes in.
    this.#keep(window)
    try {
      for await (const { cid, size } of this.#list(options)) {
        const key = cid.toString()
        if (key <= after || !key.startsWith(prefix)) continue
        if (window.upTo !== undefined && key > window.upTo) continue
        window.entries.push({ key, size })
        if (window.entries.length >= this.#windowKeys + surplusKeys) this.#shorten(window)
      }
    } catch (error) {
      this.#windows.delete(window)
      throw error
    }
    this.#shorten(window)
    window.isSorted = true
    return window
  }

  #keep(window: Window): void {
    this.#windows.delete(window)
    this.#windows.add(window)
    for (const oldest of this.#windows) {
      if (this.#windows.size <= maxWindows) return
      this.#windows.delete(oldest)
    }
  }

  /** Sorts, takes doubles out, and gives the largest keys up. */
  #shorten(window: Window): void {
    window.entries.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
    window.entries = window.entries.filter(({ key }, at, all) => key !== all[at - 1]?.key)
    if (window.entries.length <= this.#windowKeys) return
    window.entries.length = this.#windowKeys
    window.upTo = window.entries.at(-1)!.key
  }
}

/** Index of the first entry whose key is behind another one. */
function firstBehind(entries: readonly KeyEntry[], key: string): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (entries[middle]!.key <= key) low = middle + 1
    else high = middle
  }
  return low
}
