/**
 * Belady's optimum, MIN: what is asked for again last goes. No cache can do better, since it would have to know the future.
 * L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5 (1966).
 */
import { checkpoint } from '@ipfs-kit/concurrency'
import type { Trace } from './trace.ts'

/** Requests between two looks at whether it is still wanted. */
const slice = 65_536

/**
 * Hits of MIN with `capacity` entries over a trace. Takes a logarithm of the entries for each request, and four bytes of
 * memory for each request and each entry, and eight for each key.
 */
export async function beladyHits(
  { requests, keys }: Pick<Trace, 'requests' | 'keys'>,
  capacity: number,
): Promise<number> {
  const next = nextUses(requests, keys)
  const resident = new ByNextUse(keys, Math.min(capacity, keys))
  let hits = 0
  for (const [at, key] of requests.entries()) {
    if (at % slice === slice - 1) await checkpoint()
    if (resident.has(key)) hits += 1
    else if (resident.size >= capacity) resident.removeLast()
    resident.put(key, next[at]!)
  }
  return hits
}

const never = 2 ** 31 - 1

/** Of each request the place of the next one for its key. */
function nextUses(requests: Int32Array, keys: number): Int32Array {
  const next = new Int32Array(requests.length)
  const uses = new Int32Array(keys).fill(never)
  for (let at = requests.length - 1; at >= 0; at -= 1) {
    const key = requests[at]!
    next[at] = uses[key]!
    uses[key] = at
  }
  return next
}

/** The resident keys in a binary heap, with the one on top that is asked for again last. */
class ByNextUse {
  size = 0
  readonly #heap: Int32Array
  /** Of each key its place in the heap, or -1. */
  readonly #places: Int32Array
  /** Of each resident key when it is asked for again. */
  readonly #uses: Int32Array

  constructor(keys: number, capacity: number) {
    this.#heap = new Int32Array(capacity)
    this.#places = new Int32Array(keys).fill(-1)
    this.#uses = new Int32Array(keys)
  }

  has(key: number): boolean {
    return this.#places[key] !== -1
  }

  /** A key comes in, or was asked for: its next use is later than the one that it had. */
  put(key: number, use: number): void {
    this.#uses[key] = use
    this.#rise(this.has(key) ? this.#places[key]! : this.size++, key)
  }

  /** There is one. */
  removeLast(): void {
    this.#places[this.#heap[0]!] = -1
    this.size -= 1
    if (this.size > 0) this.#sink(this.#heap[this.size]!)
  }

  /** A key goes to a place, or as far above it as it has to. */
  #rise(from: number, key: number): void {
    const use = this.#uses[key]!
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = this.#heap[above]!
      if (this.#uses[other]! >= use) break
      this.#place(at, other)
      at = above
    }
    this.#place(at, key)
  }

  /** A key goes to the top, or as far below it as it has to. */
  #sink(key: number): void {
    const use = this.#uses[key]!
    let at = 0
    for (let below = 1; below < this.size; below = 2 * at + 1) {
      if (below + 1 < this.size && this.#useAt(below + 1) > this.#useAt(below)) below += 1
      if (this.#useAt(below) <= use) break
      this.#place(at, this.#heap[below]!)
      at = below
    }
    this.#place(at, key)
  }

  #useAt(place: number): number {
    return this.#uses[this.#heap[place]!]!
  }

  #place(place: number, key: number): void {
    this.#heap[place] = key
    this.#places[key] = place
  }
}
