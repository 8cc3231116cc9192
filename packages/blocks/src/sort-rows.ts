/**
 * Sorts rows of four 32-bit numbers by the first two. A radix sort from the least significant digit: it keeps the order
 * of rows that are equal, needs the same time whatever the tags are, and can pause anywhere.
 */
import { checkpoint } from '@ipfs-kit/concurrency'

const digitBits = 8
const digits = 2 ** digitBits
/** Rows handled between two pauses: below a millisecond. */
const sliceRows = 65_536
/** The word and the bits of each digit, from the least significant on. */
const places = [1, 0].flatMap((word) => [0, 8, 16, 24].map((shift) => ({ word, shift })))

/** Sorts in slices of about a millisecond. The result is the array that was given, or another one; both are overwritten. */
export async function sortRows(numbers: Uint32Array<ArrayBuffer>): Promise<Uint32Array<ArrayBuffer>> {
  const counts = await countDigits(numbers)
  let from = numbers
  let to = new Uint32Array(numbers.length)
  for (const [index, { word, shift }] of places.entries()) {
    const ends = counts.subarray(index * digits, (index + 1) * digits)
    if (!addUp(ends, numbers.length)) continue
    for (let start = 0; start < from.length; start += sliceRows * 4) {
      if (start > 0) await checkpoint()
      moveRows(from, to, start, word, shift, ends)
    }
    const swapped = from
    from = to
    to = swapped
  }
  return from
}

/** How often each digit is there, at each of the places: in whatever order the rows are. */
async function countDigits(numbers: Uint32Array): Promise<Uint32Array> {
  const counts = new Uint32Array(places.length * digits)
  // As many digits as there are rows in the other slices.
  const sliceNumbers = (sliceRows / places.length) * 4
  for (let start = 0; start < numbers.length; start += sliceNumbers) {
    if (start > 0) await checkpoint()
    countRows(numbers, start, Math.min(numbers.length, start + sliceNumbers), counts)
  }
  return counts
}

/** Not in the loop around it: after a pause V8 begins to optimize what is in an async function all over again. */
function countRows(numbers: Uint32Array, start: number, end: number, counts: Uint32Array): void {
  for (let at = start; at < end; at += 4) {
    const high = numbers[at]!
    const low = numbers[at + 1]!
    counts[low & 255]!++
    counts[256 + ((low >>> 8) & 255)]!++
    counts[512 + ((low >>> 16) & 255)]!++
    counts[768 + (low >>> 24)]!++
    counts[1024 + (high & 255)]!++
    counts[1280 + ((high >>> 8) & 255)]!++
    counts[1536 + ((high >>> 16) & 255)]!++
    counts[1792 + (high >>> 24)]!++
  }
}

/** Makes of the counts where the rows of each digit begin. False if all rows have the same one: there is nothing to move. */
function addUp(counts: Uint32Array, length: number): boolean {
  let sum = 0
  for (let digit = 0; digit < digits; digit++) {
    const count = counts[digit]!
    if (count * 4 === length) return false
    counts[digit] = sum
    sum += count * 4
  }
  return true
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
