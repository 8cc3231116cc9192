/**
 * Belady's optimum, MIN: what is asked for again last goes. No cache can do better, since it would have to know the future.
 * L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5 (1966).
 */

/** Hits of MIN with `capacity` entries over a trace of key numbers. Takes a logarithm of the entries for each request. */
export function beladyHits(trace: Int32Array, capacity: number): number {
  const next = nextUses(trace)
  /** When each resident key is asked for again. */
  const resident = new Map<number, number>()
  /** Uses to come of resident keys, the last one first; those of keys that were asked for since are stale. */
  const last = new UseHeap()
  let hits = 0
  for (const [at, key] of trace.entries()) {
    if (resident.has(key)) hits += 1
    else if (resident.size >= capacity) {
      for (;;) {
        const use = last.pop()
        if (resident.get(use.key) !== use.at) continue
        resident.delete(use.key)
        break
      }
    }
    resident.set(key, next[at]!)
    last.push({ at: next[at]!, key })
  }
  return hits
}

const never = 2 ** 31 - 1

/** Of each request the place of the next one for its key. */
function nextUses(trace: Int32Array): Int32Array {
  const next = new Int32Array(trace.length)
  const uses = new Map<number, number>()
  for (let at = trace.length - 1; at >= 0; at -= 1) {
    next[at] = uses.get(trace[at]!) ?? never
    uses.set(trace[at]!, at)
  }
  return next
}

interface Use {
  readonly at: number
  readonly key: number
}

/** A binary heap with the latest use on top. */
class UseHeap {
  readonly #uses: Use[] = []

  push(use: Use): void {
    const uses = this.#uses
    uses.push(use)
    for (let at = uses.length - 1; at > 0;) {
      const above = (at - 1) >> 1
      if (uses[above]!.at >= use.at) return
      uses[at] = uses[above]!
      uses[above] = use
      at = above
    }
  }

  /** There is one. */
  pop(): Use {
    const uses = this.#uses
    const top = uses[0]!
    const use = uses.pop()!
    if (uses.length === 0) return top
    uses[0] = use
    for (let at = 0; ;) {
      let below = 2 * at + 1
      if (below >= uses.length) return top
      if (below + 1 < uses.length && uses[below + 1]!.at > uses[below]!.at) below += 1
      if (uses[below]!.at <= use.at) return top
      uses[at] = uses[below]!
      uses[below] = use
      at = below
    }
  }
}
