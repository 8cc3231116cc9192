/** S3-FIFO after algorithm 1 of the SOSP '23 paper. The front of a list is its newest end. */
import { takeOut, type PlainPolicy } from './plain-policy.ts'

interface Entry {
  readonly key: string
  hits: number
}

export class PlainS3Fifo implements PlainPolicy {
  readonly #capacity: number
  readonly #small: Entry[] = []
  readonly #main: Entry[] = []
  readonly #ghosts: string[] = []

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  resident(): readonly string[] {
    return [...this.#small, ...this.#main].map(({ key }) => key)
  }

  request(key: string): boolean {
    const found = [...this.#small, ...this.#main].find((entry) => entry.key === key)
    if (found !== undefined) {
      found.hits = Math.min(3, found.hits + 1)
      return true
    }
    const wasGhost = takeOut(this.#ghosts, key)
    if (this.#small.length + this.#main.length >= this.#capacity) this.#evict()
    ;(wasGhost ? this.#main : this.#small).unshift({ key, hits: 0 })
    return false
  }

  remove(key: string): void {
    for (const queue of [this.#small, this.#main]) {
      const at = queue.findIndex((entry) => entry.key === key)
      if (at !== -1) queue.splice(at, 1)
    }
  }

  #evict(): void {
    const smallest = Math.max(1, Math.floor(this.#capacity / 10))
    for (;;) {
      if (this.#main.length === 0 || (this.#small.length > 0 && this.#small.length >= smallest)) {
        const entry = this.#small.pop()!
        if (entry.hits > 1) {
          this.#main.unshift({ key: entry.key, hits: 0 })
          continue
        }
        const most = Math.max(1, Math.ceil((this.#small.length + this.#main.length + 1) * 0.9))
        while (this.#ghosts.length >= most) this.#ghosts.pop()
        this.#ghosts.unshift(entry.key)
        return
      }
      const entry = this.#main.pop()!
      if (entry.hits === 0) return
      this.#main.unshift({ key: entry.key, hits: entry.hits - 1 })
    }
  }
}
