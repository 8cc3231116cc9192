/** The keys of a store in their order. */
import { compareKeys } from './key.ts'

/** A set of keys, sorted by their bytes in UTF-8. */
export class SortedKeys {
  readonly #keys: string[] = []

  /** Adds a key that is not in it. */
  add(key: string): void {
    this.#keys.splice(this.#lowerBound(key), 0, key)
  }

  /** Removes a key that is in it. */
  remove(key: string): void {
    this.#keys.splice(this.#lowerBound(key), 1)
  }

  clear(): void {
    this.#keys.length = 0
  }

  /** The keys with a prefix, up to `limit` of them, of those after `after` if it is given. */
  page(prefix: string, after: string | undefined, limit: number): { keys: string[]; more: boolean } {
    let index = this.#lowerBound(prefix)
    if (after !== undefined) {
      index = this.#lowerBound(after)
      if (this.#keys[index] === after) index++
    }
    const keys: string[] = []
    for (; keys.length < limit; index++) {
      const key = this.#keys[index]
      if (key === undefined || !key.startsWith(prefix)) return { keys, more: false }
      keys.push(key)
    }
    return { keys, more: this.#keys[index]?.startsWith(prefix) ?? false }
  }

  #lowerBound(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#keys[middle]!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
