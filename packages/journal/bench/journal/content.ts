/** What is written: the same in every process. */
import { createCipheriv, hash } from 'node:crypto'

export const MiB = 1024 * 1024

const fileBytes = 1024
const template = Buffer.from(Array.from({ length: fileBytes }, (_, at) => (at * 131 + 17) & 0xff))

/** The bytes of a file of 1 KiB by its number; none is like another. */
export function contentOf(nth: number): Buffer {
  const bytes = Buffer.from(template)
  bytes.writeDoubleBE(nth)
  return bytes
}

/** Its path: all are in one folder. */
export function pathOf(nth: number): string {
  return `/files/file-${String(nth).padStart(7, '0')}.bin`
}

/** Bytes that look random, in pieces of 64 KiB, each a copy as from a socket; no leaf is like another. */
export function streamOf(seed: number): (bytes: number) => AsyncGenerator<Uint8Array, void, undefined> {
  const key = hash('sha256', `stream ${seed}`, 'buffer').subarray(0, 16)
  const pool = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(64 * MiB))
  const piece = 65_536
  let taken = 0
  return async function* (bytes) {
    for (let left = bytes; left > 0; left -= piece) {
      // Each turn through the pool begins at another byte.
      const at = (taken * piece + Math.floor((taken * piece) / pool.length) * 97) % (pool.length - piece)
      taken += 1
      yield new Uint8Array(pool.subarray(at, at + Math.min(piece, left)))
    }
  }
}
