/** The bytes of a file in pages, of which two files can share those that neither has changed. */

/** Bytes of a page: what a file takes of the volume is counted in them. */
export const pageBytes = 4096

/** Room that was taken and never written. Never changed in place. */
const blank = new Uint8Array(pageBytes)

export class Pages {
  /** `undefined` is a hole: zeros that take no room. */
  #pages: (Uint8Array | undefined)[] = []
  /** Pages that only this one refers to. */
  #own = new Set<number>()
  #size = 0
  #taken = 0

  get size(): number {
    return this.#size
  }

  /** Pages that take room. */
  get taken(): number {
    return this.#taken
  }

  /** The same bytes, which from now on change apart. */
  share(): Pages {
    const twin = new Pages()
    twin.#pages = this.#pages.slice()
    twin.#size = this.#size
    twin.#taken = this.#taken
    this.#own.clear()
    return twin
  }

  /** How many of the bytes of a write fit, if it may take so many pages more. */
  fitting(position: number, length: number, pages: number): number {
    let left = pages
    let page = Math.floor(position / pageBytes)
    for (; page * pageBytes < position + length; page += 1) {
      if (this.#pages[page] !== undefined) continue
      if (left === 0) return Math.max(0, page * pageBytes - position)
      left -= 1
    }
    return length
  }

  write(bytes: Uint8Array, position: number): void {
    let done = 0
    while (done < bytes.byteLength) {
      const page = Math.floor((position + done) / pageBytes)
      const at = position + done - page * pageBytes
      const length = Math.min(pageBytes - at, bytes.byteLength - done)
      this.#writable(page).set(bytes.subarray(done, done + length), at)
      done += length
    }
    this.#size = Math.max(this.#size, position + bytes.byteLength)
  }

  /** Extends with zeros that take room. */
  take(size: number): void {
    if (size <= this.#size) return
    const pages = Math.ceil(size / pageBytes)
    for (let page = Math.floor(this.#size / pageBytes); page < pages; page += 1) {
      if (this.#pages[page] !== undefined) continue
      this.#fillTo(page)
      this.#pages[page] = blank
      this.#taken += 1
    }
    this.#size = size
  }

  /** Copies into a buffer; gives the number of bytes up to the end of the file. */
  read(into: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(into.byteLength, this.#size - position))
    let done = 0
    while (done < length) {
      const page = Math.floor((position + done) / pageBytes)
      const at = position + done - page * pageBytes
      const part = Math.min(pageBytes - at, length - done)
      const bytes = this.#pages[page]
      if (bytes === undefined) into.fill(0, done, done + part)
      else into.set(bytes.subarray(at, at + part), done)
      done += part
    }
    return length
  }

  /** Cuts, or extends with a hole. */
  resize(size: number): void {
    if (size < this.#size) {
      const pages = Math.ceil(size / pageBytes)
      for (let page = pages; page < this.#pages.length; page += 1) {
        if (this.#pages[page] !== undefined) this.#taken -= 1
        this.#own.delete(page)
      }
      this.#pages.length = Math.min(this.#pages.length, pages)
      // What comes after the end reads as zeros when the file grows again.
      const rest = size % pageBytes
      if (rest > 0 && this.#pages[pages - 1] !== undefined) this.#writable(pages - 1).fill(0, rest)
    }
    this.#size = size
  }

  #writable(page: number): Uint8Array {
    const bytes = this.#pages[page]
    if (bytes !== undefined && this.#own.has(page)) return bytes
    const own = new Uint8Array(pageBytes)
    if (bytes === undefined) this.#taken += 1
    else own.set(bytes)
    this.#fillTo(page)
    this.#pages[page] = own
    this.#own.add(page)
    return own
  }

  /** No gaps in the array itself: it would become slow. */
  #fillTo(page: number): void {
    while (this.#pages.length < page) this.#pages.push(undefined)
  }
}
