/**
 * Belady's optimum, MIN: what is asked for again last goes. No cache can do better, since it would have to know the future.
 * L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5 (1966).
 */
import { Heap } from '../heap.ts'

/** Hits of MIN with `capacity` entries over a trace of key numbers. Takes a logarithm of the entries for each request. */
export function beladyHits(trace: Int32Array, capacity: number): number {
  const next = nextUses(trace)
  /** When each resident key is asked for again. */
  const resident = new Map<number, number>()
  /** Resident keys by their next uses, negated: the last one is on top. Those of keys that were asked for since are stale. */
  const uses = new Heap<number>()
  let hits = 0
  for (const [at, key] of trace.entries()) {
    if (resident.has(key)) hits += 1
    else if (resident.size >= capacity) {
      for (;;) {
        const use = -uses.least
        const last = uses.pop()!
        if (resident.get(last) !== use) continue
        resident.delete(last)
        break
      }
    }
    resident.set(key, next[at]!)
    uses.push(-next[at]!, key)
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
