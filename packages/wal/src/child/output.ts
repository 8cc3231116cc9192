/** What a child process writes: its messages, and what its handler says, of which the end is kept. */

/** Bytes that a message takes at most. */
const maxMessageBytes = 16 * 1024 * 1024
/** Bytes of what it says that are kept. */
const keptBytes = 1500
const newline = 10

export class ChildOutput {
  readonly #mark: Buffer
  /** The line whose end is not there yet, as long as it may be a message. */
  #line: Uint8Array[] = []
  #lineBytes = 0
  #kind: 'unknown' | 'message' | 'said' = 'unknown'
  #said = Buffer.alloc(0)

  constructor(mark: string) {
    this.#mark = Buffer.from(mark)
  }

  /** The end of what it has said. */
  get said(): string {
    return this.#said.toString('utf8').trim()
  }

  /** Notes what is no message. */
  say(bytes: Uint8Array): void {
    this.#said = Buffer.concat([this.#said, bytes.subarray(-keptBytes)]).subarray(-keptBytes)
  }

  /** Takes bytes of stdout. The texts of messages that they end. @throws RangeError for one that is too long */
  *take(bytes: Uint8Array): Generator<string, void, undefined> {
    for (let from = 0; from < bytes.length;) {
      const at = bytes.indexOf(newline, from)
      const end = at === -1 ? bytes.length : at + 1
      // A message begins with the end of a line, whatever was said before: mostly one that is empty.
      if (at !== from || this.#lineBytes > 0) this.#add(bytes.subarray(from, end))
      if (at === -1) return
      if (this.#kind === 'message') yield Buffer.concat(this.#line).toString('utf8', this.#mark.length)
      else this.#sayLine()
      this.#line = []
      this.#lineBytes = 0
      this.#kind = 'unknown'
      from = end
    }
  }

  #add(part: Uint8Array): void {
    this.#line.push(part)
    this.#lineBytes += part.length
    if (this.#kind === 'unknown') this.#kind = this.#kindOf(Buffer.concat(this.#line))
    // Not kept longer than it takes to know.
    if (this.#kind === 'said') this.#sayLine()
    if (this.#kind === 'message' && this.#lineBytes > maxMessageBytes)
      throw new RangeError(`A child process told more than ${maxMessageBytes} bytes at once`)
  }

  #kindOf(begun: Buffer): 'unknown' | 'message' | 'said' {
    const known = Math.min(begun.length, this.#mark.length)
    if (begun.compare(this.#mark, 0, known, 0, known) !== 0) return 'said'
    return known === this.#mark.length ? 'message' : 'unknown'
  }

  #sayLine(): void {
    for (const part of this.#line) this.say(part)
    this.#line = []
  }
}
