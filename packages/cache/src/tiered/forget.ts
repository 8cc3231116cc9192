/** What another way than the store's own took out of a tier is not answered from memory. */
import type { Flights } from '../flights.ts'
import type { Parts } from './parts.ts'

/** Lets memory tiers forget a key as tiers have it, or all keys. Reads that run already bring nothing back. */
export function forget(parts: Parts, flights: Flights<unknown>, key?: string): void {
  const { tiers, known, forgotten } = parts
  forgotten.count += 1
  for (const { memory, index } of tiers) {
    if (memory === undefined) continue
    if (key === undefined) {
      memory.clear()
      known.unplaceAll(index)
    } else {
      memory.drop(key)
      known.unplace(key, index)
    }
  }
  if (key === undefined) flights.allChanged()
  else flights.changed(key)
}
