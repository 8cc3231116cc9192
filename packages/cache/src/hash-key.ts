/** A hash of key strings. The field's fast ones read every byte; in JavaScript reading a string costs more than the table. */

/**
 * 32 bits of eight UTF-16 units of a key: the last five, and three before them at equal distances. Short keys are read as a
 * whole. Keys that agree in all of these get the same hash; {@link KeyTable} then takes {@link hashWhole}.
 */
export function hashSample(key: string, seed: number): number {
  const { length } = key
  if (length < 8) return hashWhole(key, seed)
  const step = length >>> 2
  const last =
    key.charCodeAt(length - 1) ^
    (key.charCodeAt(length - 2) << 8) ^
    (key.charCodeAt(length - 3) << 16) ^
    (key.charCodeAt(length - 4) << 24)
  const before =
    key.charCodeAt(step) ^
    (key.charCodeAt(2 * step) << 8) ^
    (key.charCodeAt(length - 5) << 16) ^
    (key.charCodeAt(3 * step) << 24)
  const mixed = Math.imul(last ^ seed ^ length, 0x9e3779b1) ^ Math.imul(before, 0x85ebca6b)
  return finished(mixed)
}

/** 32 bits of all units of a key. */
export function hashWhole(key: string, seed: number): number {
  let hash = seed ^ key.length
  for (let at = 0; at < key.length; at += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x9e3779b1)
    // A multiplication moves bits up only.
    hash ^= hash >>> 15
  }
  return finished(hash)
}

function finished(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  return (once ^ (once >>> 15)) >>> 0
}
