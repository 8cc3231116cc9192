/** GDSF with a heap: the peer for sizes. L. Cherkasova, HP Labs technical report HPL-98-69R1 (1998). */
import { Heap } from '../../src/heap.ts'

interface Entry {
  readonly bytes: number
  count: number
  priority: number
}

/** Hits over a trace of key numbers with these sizes. */
export function gdsfHits(requests: Int32Array, sizes: Float64Array, maxBytes: number): number {
  const entries = new Map<number, Entry>()
  /** Keys by their priorities. */
  const queue = new Heap<number>()
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
      queue.push(found.priority, key)
      continue
    }
    if (size > maxBytes) continue
    while (bytes + size > maxBytes) {
      const lowest = queue.least
      const candidate = queue.pop()!
      const entry = entries.get(candidate)
      // It was asked for since, or is gone.
      if (entry?.priority !== lowest) continue
      entries.delete(candidate)
      bytes -= entry.bytes
      clock = lowest
    }
    const priority = clock + 1 / size
    entries.set(key, { bytes: size, count: 1, priority })
    bytes += size
    queue.push(priority, key)
  }
  return hits
}
