/**
 * Keys in front of the table: a `Map` of those that were found in it. V8 keeps the hash of a string with the string, so that a
 * `Map` finds one that it has met before without reading it; the table reads some of it each time. But a key that comes to a
 * `Map` and goes again costs more than it brings. So this is open only while nearly all questions are hits and little is set,
 * and for caches whose keys stay in the caches of a processor.
 *
 * It holds no other strings than the table does.
 */
import { none } from './key-table.ts'
import { grown } from './links.ts'

/** Open while there is at most one miss or set for so many questions. */
const calm = 16
/** A cache of more entries has nothing in front. */
const mostEntries = 65_536

/** The keys in front of the table of one cache. */
export class HotKeys {
  readonly #slots = new Map<string, number>()
  /** Of each slot, whether its key is in front. */
  #isIn = new Uint8Array(0)
  #isOpen = false
  /** Keys that may come until all go: a `Map` takes 28 bytes for each that it had since, rounded up to a power of two. */
  #room = 0
  #came = 0
  /** The number of the question at which {@link look} is due. */
  due = 0
  /** Questions, and misses with sets, until the last look. */
  #questions = 0
  #changes = 0

  /** The slot of a key, or {@link none} if it is not in front. */
  find(key: string): number {
    return this.#isOpen ? (this.#slots.get(key) ?? none) : none
  }

  /** A key was found in the table. */
  offer(slot: number, key: string): void {
    if (!this.#isOpen || this.#slots.size >= 0.75 * this.#room) return
    if (this.#came === this.#room) this.clear()
    this.#came += 1
    this.#slots.set(key, slot)
    this.#isIn[slot] = 1
  }

  /** A slot is about to lose its key. */
  leave(slot: number, key: string): void {
    if (this.#isIn[slot] === 0) return
    this.#slots.delete(key)
    this.#isIn[slot] = 0
  }

  clear(): void {
    if (this.#came === 0) return
    this.#slots.clear()
    this.#isIn.fill(0)
    this.#came = 0
  }

  /** Makes room for more slots. */
  grow(slots: number): void {
    this.#isIn = grown(this.#isIn, slots)
  }

  /**
   * Opens or closes, by what was asked since the last look.
   *
   * @param questions - hits and misses until now
   * @param changes - misses and sets until now
   * @param entries - what the table has; the `Map` takes up to 49 bytes for each
   */
  look(questions: number, changes: number, entries: number): void {
    const isCalm = calm * (changes - this.#changes) <= questions - this.#questions
    this.#isOpen = isCalm && entries > 0 && entries <= mostEntries
    const room = this.#isOpen ? 2 ** Math.floor(Math.log2(1.75 * entries)) : 0
    if (room !== this.#room) this.clear()
    this.#room = room
    this.#questions = questions
    this.#changes = changes
    this.due = questions + Math.max(1024, entries)
  }
}
