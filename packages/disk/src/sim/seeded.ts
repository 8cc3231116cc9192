/** Numbers that follow from a seed. */

/** A small generator (sfc32 by Chris Doty-Humphrey, PractRand). Not for secrets. */
export interface Seeded {
  /** From 0 up to and without 1. */
  fraction(): number
  /** A whole number from 0 up to and without `bound`. */
  below(bound: number): number
  /** True with this probability. Draws nothing for 0 and 1. */
  chance(probability: number): boolean
  /** Another generator that follows from this one. */
  fork(): Seeded
}

export function createSeeded(seed: number): Seeded {
  let a = 0x9e3779b9
  let b = Math.floor(seed / 2 ** 32) | 0
  let c = seed | 0
  let counter = 1
  const next = (): number => {
    const word = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + word) | 0
    return word >>> 0
  }
  for (let round = 0; round < 12; round += 1) next()
  const fraction = (): number => next() / 2 ** 32
  const below = (bound: number): number => Math.floor(fraction() * bound)
  return {
    fraction,
    below,
    chance: (probability) => probability > 0 && (probability >= 1 || fraction() < probability),
    fork: () => createSeeded(next() * 2 ** 21 + (next() >>> 11)),
  }
}
