/** How many blocks ahead of a reader are fetched: more when it has to wait, fewer when they wait for it. */

const initial = 2
/** A block that waited this many times as long as its fetch took came far too early. */
const tooEarly = 4

/** The depth of one reader. It doubles as a window of TCP does at its start, and goes back in steps of one. */
export class Depth {
  blocks: number
  readonly #most: number

  constructor(most: number) {
    this.#most = most
    this.blocks = Math.min(initial, most)
  }

  /** The reader waited for a block that was expected. */
  stalled(): void {
    this.blocks = Math.min(this.blocks * 2, this.#most)
  }

  /** A block was there when it was asked for. */
  inTime(waitedMs: number, fetchMs: number): void {
    if (waitedMs > tooEarly * fetchMs) this.blocks = Math.max(this.blocks - 1, 1)
  }

  /** The reader went to another place: what it will do there is to be seen. */
  jumped(): void {
    this.blocks = Math.min(this.blocks, initial)
  }
}
