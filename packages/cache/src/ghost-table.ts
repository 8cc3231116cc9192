/** Finds ghosts by the hash of their key: open addressing with linear probing over typed arrays. */
import { grown } from './links.ts'

/** A place for each ghost, and a table that leads to it. Ghosts are numbers from 0; their keys are not kept, only hashes. */
export class GhostTable {
  /** Of each ghost. */
  #hashes: Uint32Array
  /** Ghost + 1, or 0 for an empty cell. */
  #cells: Int32Array
  #mask: number
  /** Ghosts that were given back. */
  readonly #free: number[] = []
  /** Ghosts that were ever in use: these and no others have a place. */
  #used = 0
  /** Ghosts now. */
  size = 0

  constructor(capacity: number) {
    this.#hashes = new Uint32Array(capacity)
    const cells = cellsFor(capacity)
    this.#cells = new Int32Array(cells)
    this.#mask = cells - 1
  }

  /** Ghosts that there is room for. */
  get capacity(): number {
    return this.#hashes.length
  }

  hashOf(ghost: number): number {
    return this.#hashes[ghost]!
  }

  /** The newest ghost with this hash, or -1. */
  find(hash: number): number {
    const cells = this.#cells
    for (let at = spread(hash) & this.#mask; ; at = (at + 1) & this.#mask) {
      const cell = cells[at]!
      if (cell === 0) return -1
      if (this.#hashes[cell - 1] === hash) return cell - 1
    }
  }

  /** A new ghost. There has to be room: the caller lets one go first, or grows. */
  add(hash: number): number {
    const ghost = this.#free.length > 0 ? this.#free.pop()! : this.#used++
    this.#hashes[ghost] = hash
    this.size += 1
    this.#place(ghost, hash)
    return ghost
  }

  remove(ghost: number): void {
    const cells = this.#cells
    const mask = this.#mask
    let hole = spread(this.#hashes[ghost]!) & mask
    while (cells[hole] !== ghost + 1) hole = (hole + 1) & mask
    // What comes behind moves up, so that no search ends too early.
    for (let at = (hole + 1) & mask; cells[at] !== 0; at = (at + 1) & mask) {
      const home = spread(this.#hashes[cells[at]! - 1]!) & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      cells[hole] = cells[at]!
      hole = at
    }
    cells[hole] = 0
    this.#free.push(ghost)
    this.size -= 1
  }

  clear(): void {
    this.#cells.fill(0)
    this.#free.length = 0
    this.#used = 0
    this.size = 0
  }

  /** Makes room for more ghosts. */
  grow(capacity: number): void {
    const isFree = new Set(this.#free)
    this.#hashes = grown(this.#hashes, capacity)
    const cells = cellsFor(capacity)
    if (cells === this.#cells.length) return
    this.#cells = new Int32Array(cells)
    this.#mask = cells - 1
    for (let ghost = 0; ghost < this.#used; ghost += 1) {
      if (!isFree.has(ghost)) this.#place(ghost, this.#hashes[ghost]!)
    }
  }

  #place(ghost: number, hash: number): void {
    const cells = this.#cells
    let at = spread(hash) & this.#mask
    while (cells[at] !== 0) at = (at + 1) & this.#mask
    cells[at] = ghost + 1
  }
}

/** Hashes are even already; their upper bits serve as well as their lower ones. */
function spread(hash: number): number {
  return hash >>> 3
}

/** At least twice as many cells as ghosts, so that searches are short. */
function cellsFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(8, capacity * 2)))
}
