/** GDSF with a heap: the peer for sizes. L. Cherkasova, HP Labs technical report HPL-98-69R1 (1998). */

interface Entry {
  readonly bytes: number
  count: number
  priority: number
}

interface Queued {
  readonly priority: number
  readonly key: number
}

/** Hits over a trace of key numbers with these sizes. */
export function gdsfHits(requests: Int32Array, sizes: Float64Array, maxBytes: number): number {
  const entries = new Map<number, Entry>()
  const queue = new PriorityQueue()
  let clock = 0
  let bytes = 0
  let hits = 0
  for (const key of requests) {
    const size = sizes[key]!
    const found = entries.get(key)
    if (found !== undefined) {
      hits += 1
      found.count += 1
      found.priority = clock + found.count / size
      queue.push({ priority: found.priority, key })
      continue
    }
    if (size > maxBytes) continue
    while (bytes + size > maxBytes) {
      const lowest = queue.pop()
      const entry = entries.get(lowest.key)
      // It was asked for since, or is gone.
      if (entry?.priority !== lowest.priority) continue
      entries.delete(lowest.key)
      bytes -= entry.bytes
      clock = lowest.priority
    }
    const priority = clock + 1 / size
    entries.set(key, { bytes: size, count: 1, priority })
    bytes += size
    queue.push({ priority, key })
  }
  return hits
}

/** A binary heap with the lowest priority on top. */
class PriorityQueue {
  readonly #queued: Queued[] = []

  push(one: Queued): void {
    const queued = this.#queued
    queued.push(one)
    for (let at = queued.length - 1; at > 0;) {
      const above = (at - 1) >> 1
      if (queued[above]!.priority <= one.priority) return
      queued[at] = queued[above]!
      queued[above] = one
      at = above
    }
  }

  /** There is one. */
  pop(): Queued {
    const queued = this.#queued
    const top = queued[0]!
    const one = queued.pop()!
    if (queued.length === 0) return top
    queued[0] = one
    for (let at = 0; ;) {
      let below = 2 * at + 1
      if (below >= queued.length) return top
      if (below + 1 < queued.length && queued[below + 1]!.priority < queued[below]!.priority) below += 1
      if (queued[below]!.priority >= one.priority) return top
      queued[at] = queued[below]!
      queued[below] = one
      at = below
    }
  }
}
