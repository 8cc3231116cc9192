/** How many values there are of each media type, with a bound on the types, and of each age. */
import type { AgeGroup, Tally } from './disk-cache.ts'

const maxTypes = 62
const none = 'none'
const other = 'other'

interface Count {
  entries: number
  bytes: number
}

/** Values by media type. */
export class TypeTallies {
  readonly #counts = new Map<string, Count>()

  /** Counts a value. Gives the name under which that was done: `remove` wants it. */
  add(mediaType: string, bytes: number): string {
    let name = mediaType === '' ? none : mediaType.split(';', 1)[0]!.trimEnd().toLowerCase()
    // No media type is called `none` or `other`.
    if (name !== none && !this.#counts.has(name) && this.#types >= maxTypes) name = other
    const count = this.#counts.get(name)
    if (count === undefined) this.#counts.set(name, { entries: 1, bytes })
    else {
      count.entries += 1
      count.bytes += bytes
    }
    return name
  }

  remove(name: string, bytes: number): void {
    const count = this.#counts.get(name)!
    count.entries -= 1
    count.bytes -= bytes
    if (count.entries === 0) this.#counts.delete(name)
  }

  get #types(): number {
    return this.#counts.size - Number(this.#counts.has(none)) - Number(this.#counts.has(other))
  }

  look(): Readonly<Record<string, Tally>> {
    return Object.freeze(
      Object.fromEntries([...this.#counts].map(([name, count]) => [name, Object.freeze({ ...count })])),
    )
  }
}

const minuteMs = 60_000
const dayMs = 86_400_000
const groups: readonly (readonly [AgeGroup, belowMs: number])[] = [
  ['minute', minuteMs],
  ['hour', 60 * minuteMs],
  ['day', dayMs],
  ['week', 7 * dayMs],
  ['month', 30 * dayMs],
  ['older', Number.POSITIVE_INFINITY],
]

/** Values by age. One from the future, as a clock that goes back makes them, is young. */
export function tallyAges(
  entries: Iterable<{ readonly storedAt: number; readonly size: number }>,
  now: number,
): Readonly<Record<AgeGroup, Tally>> {
  const counts = groups.map(() => ({ entries: 0, bytes: 0 }))
  for (const { storedAt, size } of entries) {
    const age = now - storedAt
    let at = 0
    while (at < groups.length - 1 && age >= groups[at]![1]) at += 1
    counts[at]!.entries += 1
    counts[at]!.bytes += size
  }
  const tallies = groups.map(([name], at) => [name, Object.freeze(counts[at]!)])
  return Object.freeze(Object.fromEntries(tallies)) as Record<AgeGroup, Tally>
}
