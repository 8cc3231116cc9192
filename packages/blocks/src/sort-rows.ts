/**
 * Sorts rows of four 32-bit numbers by the first two. A radix sort from the least significant digit: it keeps the order
 * of rows that are equal, needs the same time whatever the tags are, and can pause anywhere.
 */
import { checkpoint } from '@ipfs-kit/concurrency'

const digitBits = 8
const digits = 2 ** digitBits
/** Rows handled between two pauses: below a millisecond. */
const sliceRows = 65_536

/** Sorts in slices of about a millisecond. The result is the array that was given, or another one; both are overwritten. */
export async function sortRows(numbers: Uint32Array<ArrayBuffer>): Promise<Uint32Array<ArrayBuffer>> {
  let from = numbers
  let to = new Uint32Array(numbers.length)
  for (const word of [1, 0]) {
    for (let shift = 0; shift < 32; shift += digitBits) {
      const ends = await countDigits(from, word, shift)
      if (ends === undefined) continue
      for (let start = 0; start < from.length; start += sliceRows * 4) {
        if (start > 0) await checkpoint()
        moveRows(from, to, start, word, shift, ends)
      }
      const swapped = from
      from = to
      to = swapped
    }
  }
  return from
}

/** For each digit, where its rows begin; `undefined` if all rows have the same one. */
async function countDigits(from: Uint32Array, word: number, shift: number): Promise<Uint32Array | undefined> {
  const counts = new Uint32Array(digits)
  for (let start = 0; start < from.length; start += sliceRows * 4) {
    if (start > 0) await checkpoint()
    const end = Math.min(from.length, start + sliceRows * 4)
    for (let at = start; at < end; at += 4) counts[(from[at + word]! >>> shift) & (digits - 1)]!++
  }
  let sum = 0
  for (let digit = 0; digit < digits; digit++) {
    const count = counts[digit]!
    if (count * 4 === from.length) return undefined
    counts[digit] = sum
    sum += count * 4
  }
  return counts
}

function moveRows(
  from: Uint32Array,
  to: Uint32Array,
  start: number,
  word: number,
  shift: number,
  next: Uint32Array,
): void {
  const end = Math.min(from.length, start + sliceRows * 4)
  for (let at = start; at < end; at += 4) {
    const digit = (from[at + word]! >>> shift) & (digits - 1)
    const target = next[digit]!
    next[digit] = target + 4
    to[target] = from[at]!
    to[target + 1] = from[at + 1]!
    to[target + 2] = from[at + 2]!
    to[target + 3] = from[at + 3]!
  }
}
