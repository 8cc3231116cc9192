/** Keys in their order, in pieces: adding one moves a thousand, however many there are. */
import { compareKeys } from '@ipfs-kit/storage'

const mostKeys = 1024

/** A set of keys, sorted by their bytes in UTF-8. */
export class SortedKeys {
  /** None is empty. */
  readonly #pieces: string[][] = []

  /** Takes many in at once, while it is empty. */
  fill(keys: string[]): void {
    keys.sort(compareKeys)
    for (let at = 0; at < keys.length; at += mostKeys / 2)
      this.#pieces.push(keys.slice(at, at + mostKeys / 2))
  }

  /** Adds a key that is not in it. */
  add(key: string): void {
    const at = this.#pieceOf(key)
    const piece = this.#pieces[at]
    if (piece === undefined) {
      this.#pieces.push([key])
      return
    }
    piece.splice(lowerBound(piece, key), 0, key)
    if (piece.length > mostKeys) this.#pieces.splice(at + 1, 0, piece.splice(mostKeys / 2))
  }

  /** Removes a key that is in it. */
  remove(key: string): void {
    const at = this.#pieceOf(key)
    const piece = this.#pieces[at]!
    piece.splice(lowerBound(piece, key), 1)
    if (piece.length === 0) this.#pieces.splice(at, 1)
  }

  /** The keys with a prefix, up to `limit` of them, of those after `after` if it is given. */
  page(prefix: string, after: string | undefined, limit: number): { keys: string[]; more: boolean } {
    const from = after ?? prefix
    let at = this.#pieceOf(from)
    let index = lowerBound(this.#pieces[at] ?? [], from)
    if (after !== undefined && this.#pieces[at]?.[index] === after) index += 1
    const keys: string[] = []
    for (; at < this.#pieces.length; at += 1, index = 0) {
      const piece = this.#pieces[at]!
      for (; index < piece.length; index += 1) {
        const key = piece[index]!
        if (!key.startsWith(prefix)) return { keys, more: false }
        if (keys.length === limit) return { keys, more: true }
        keys.push(key)
      }
    }
    return { keys, more: false }
  }

  /** The last piece that begins with a key or before it. */
  #pieceOf(key: string): number {
    let low = 1
    let high = this.#pieces.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#pieces[middle]![0]!, key) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
