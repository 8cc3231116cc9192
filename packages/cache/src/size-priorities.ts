/** What the choice between entries of different sizes needs to know of each: the priority of GDSF. */
import { grown } from './links.ts'

/** How often an entry was asked for is counted up to here. */
const maxCount = 15

/** The power of two of a size: its class. */
export function classOf(bytes: number): number {
  return bytes < 2 ** 31 ? 31 - Math.clz32(bytes | 1) : Math.floor(Math.log2(bytes))
}

/** Sizes and priorities of slots. */
export class SizePriorities {
  #bytes = new Float64Array(0)
  /** The clock when each was last asked for. */
  #ages = new Float64Array(0)
  #counts = new Uint8Array(0)
  /** The priority of what went last. */
  #clock = 0

  classOf(slot: number): number {
    return classOf(this.#bytes[slot]!)
  }

  set(slot: number, bytes: number): void {
    this.#bytes[slot] = bytes
  }

  /** An entry comes in. Its class. */
  add(slot: number, bytes: number, wasAsked: boolean): number {
    this.#bytes[slot] = bytes
    this.#ages[slot] = this.#clock
    this.#counts[slot] = wasAsked ? 2 : 1
    return classOf(bytes)
  }

  /** It was asked for. Its class. */
  touch(slot: number): number {
    this.#ages[slot] = this.#clock
    if (this.#counts[slot]! < maxCount) this.#counts[slot]! += 1
    return this.classOf(slot)
  }

  countOf(slot: number): number {
    return this.#counts[slot]!
  }

  /** Takes a count from a snapshot. */
  count(slot: number, times: number): void {
    this.#counts[slot] = Math.min(maxCount, Math.max(1, times))
  }

  priorityOf(slot: number): number {
    return this.#ages[slot]! + this.#counts[slot]! / Math.max(1, this.#bytes[slot]!)
  }

  /** Something with this priority goes. */
  advance(priority: number): void {
    if (priority > this.#clock) this.#clock = priority
  }

  grow(slots: number): void {
    this.#bytes = grown(this.#bytes, slots)
    this.#ages = grown(this.#ages, slots)
    this.#counts = grown(this.#counts, slots)
  }
}
