/** Key strings like those of CIDs, and numbers to choose them by. */

/** A generator of 32-bit numbers (xorshift32): the same seed gives the same. */
export function numbers(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

const letters = 'abcdefghijklmnopqrstuvwxyz234567'

/** Distinct strings of 59 characters, each in memory as one piece. */
export function keysLikeCids(count: number, seed: number): string[] {
  const next = numbers(seed)
  const bytes = Buffer.from('bafybei'.padEnd(59))
  return Array.from({ length: count }, () => {
    for (let at = 7; at < 59; at += 1) bytes[at] = letters.charCodeAt(next() & 31)
    return bytes.toString('latin1')
  })
}
