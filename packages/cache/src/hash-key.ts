/** A hash of key strings: what remains of a key that is not resident any more. */

const scratchBytes = 256
const scratch = Buffer.from(new ArrayBuffer(scratchBytes))
const words = new Uint32Array(scratch.buffer)

/**
 * 32 bits of a string. Of each UTF-16 unit the low byte counts; of strings longer than 256 units the first 128 and the last
 * 128. Equal hashes of different keys only make a policy take one for the other, so this is about speed: one call that
 * copies the bytes costs less than reading them one by one.
 */
export function hashKey(key: string, seed: number): number {
  const { length } = key
  const bytes = length <= scratchBytes ? length : scratchBytes
  const count = (bytes + 3) >>> 2
  if (count > 0) words[count - 1] = 0
  if (length <= scratchBytes) scratch.write(key, 0, length, 'latin1')
  else {
    scratch.write(key.slice(0, scratchBytes / 2), 0, 'latin1')
    scratch.write(key.slice(-scratchBytes / 2), scratchBytes / 2, 'latin1')
  }
  let hash = seed ^ length
  for (let at = 0; at < count; at += 1) {
    hash = Math.imul(hash ^ words[at]!, 0x9e3779b1)
    // A multiplication moves bits up only.
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return (hash ^ (hash >>> 16)) >>> 0
}
