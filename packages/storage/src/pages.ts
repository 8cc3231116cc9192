/** Bytes in memory, in pages: they grow without being copied again, however small the chunks that they come in. */

const pageBytes = 64 * 1024

/** A growing run of bytes. */
export class Pages {
  readonly #pages: Uint8Array[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Copies a chunk to the end. */
  append(chunk: Uint8Array): void {
    let done = 0
    while (done < chunk.byteLength) {
      const within = this.#size % pageBytes
      if (within === 0) this.#pages.push(new Uint8Array(pageBytes))
      const part = chunk.subarray(done, done + pageBytes - within)
      this.#pages.at(-1)!.set(part, within)
      done += part.byteLength
      this.#size += part.byteLength
    }
  }

  /** Gives back what the last page has too much. Nothing may be appended afterwards. */
  seal(): void {
    const within = this.#size % pageBytes
    if (within !== 0) this.#pages.push(this.#pages.pop()!.slice(0, within))
  }

  /** A copy of the bytes from `start` to `end` at most; it ends where a page does. */
  slice(start: number, end: number): Uint8Array {
    const page = this.#pages[Math.floor(start / pageBytes)]
    if (page === undefined) return new Uint8Array()
    const within = start % pageBytes
    return page.slice(within, Math.min(page.byteLength, within + end - start))
  }
}
