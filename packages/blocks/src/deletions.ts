/** Deletions that were met while a store is opened: in newer packs, and in later frames of the same pack. */
import type { Stream } from './blocks.ts'

interface Deletion {
  readonly low: number
  readonly stream: Stream
  readonly kind: number
  /** `undefined` if it cannot be read: the tag speaks for it. */
  readonly key: Buffer | undefined
}

/** Bits of a tag that choose a bit of the filter. */
const filterBits = 20

export class Deletions {
  readonly #byTag = new Map<number, Deletion[]>()
  /** Answers for nearly all tags that nothing was deleted. Absent before the first: most stores have none. */
  #filter: Uint32Array | undefined

  add(high: number, low: number, stream: Stream, kind: number, key: Buffer | undefined): void {
    const bit = high >>> (32 - filterBits)
    this.#filter ??= new Uint32Array(2 ** filterBits / 32)
    this.#filter[bit >>> 5]! |= 1 << (bit & 31)
    const list = this.#byTag.get(high)
    const deletion = { low, stream, kind, key: key && Buffer.from(key) }
    if (list === undefined) this.#byTag.set(high, [deletion])
    else list.push(deletion)
  }

  mayHave(high: number, low: number): boolean {
    if (this.#filter === undefined) return false
    const bit = high >>> (32 - filterBits)
    if ((this.#filter[bit >>> 5]! & (1 << (bit & 31))) === 0) return false
    return this.#byTag.get(high)?.some((deletion) => deletion.low === low) === true
  }

  has(high: number, low: number, stream: Stream, kind: number, key: Buffer | undefined): boolean {
    const list = this.#byTag.get(high) ?? []
    return list.some(
      (one) =>
        one.low === low &&
        one.stream === stream &&
        one.kind === kind &&
        (one.key === undefined || key === undefined || one.key.equals(key)),
    )
  }
}
