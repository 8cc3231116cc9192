/** Rows of packs for tests of the index, sorted and read as those of a footer are. */
import type { PackRows } from '../src/footer.ts'

/** `[tag high, tag low, offset, payload bytes]`. */
export type Frame = readonly [number, number, number, number]

/** Rows of frames. Kind: block. */
export function rowsOf(frames: readonly Frame[]): PackRows {
  const sorted = frames.toSorted((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
  const words = sorted.flatMap(([high, low, offset, length]) => [high, low, (offset / 8) | (1 << 23), length])
  return { count: frames.length, numbers: Uint32Array.from(words) }
}

/** A footer that counts what is read of it, and lets others run meanwhile by `wait`. */
export function footerOf(rows: PackRows, wait?: () => Promise<unknown>) {
  const footer = {
    reads: 0,
    rowsRead: 0,
    readRows: async (from: number, count: number): Promise<PackRows> => {
      footer.reads += 1
      footer.rowsRead += count
      await wait?.()
      if (from < 0 || count < 1 || from + count > rows.count) throw new RangeError(`rows ${from} + ${count}`)
      return { count, numbers: rows.numbers.slice(from * 4, (from + count) * 4) }
    },
  }
  return footer
}

/** Unsigned 32-bit numbers from a seed. */
export function numbersFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e37_79b9) | 0
    let z = Math.imul(state ^ (state >>> 16), 0x21f0_aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}
