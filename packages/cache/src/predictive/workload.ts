/** What kind of reading goes on, by the last reads. */

/**
 * - `sequential`: most of what could be told in advance was the next in order, or a stride further
 * - `loop`: most of it had come after the same key before
 * - `clustered`: most of it was close to the read before
 * - `random`: less than a quarter of it could be told in advance
 * - `unknown`: fewer than 16 reads
 */
export type WorkloadClass = 'unknown' | 'sequential' | 'loop' | 'clustered' | 'random'

/** What a read was, the first that applies: the order of {@link WorkloadCounts}. */
export type ReadKind = keyof WorkloadCounts

/** The last 256 reads, each counted once. */
export interface WorkloadCounts {
  /** The next in the order of a DAG, or the next position. */
  readonly inOrder: number
  /** As far from the one before as that was from its own. */
  readonly strided: number
  /** What the successor table has for the key before. */
  readonly repeated: number
  /** At most 16 places from the one before. */
  readonly near: number
  readonly other: number
}

/** A class, and what led to it. Frozen. */
export interface Workload {
  readonly class: WorkloadClass
  readonly counts: WorkloadCounts
  /**
   * What the class switched on. What is off has to be earned:
   * - `links`: the children of a DAG's first node at once, while readers begin there; off: after two reads in order
   * - `run`: a run of three; off: of five
   * - `successor`: what came after a key once; off: only what has come after it always, with full confidence
   */
  readonly on: { readonly links: boolean; readonly run: boolean; readonly successor: boolean }
}

const kinds = ['inOrder', 'strided', 'repeated', 'near', 'other'] as const satisfies readonly ReadKind[]
const window = 256
const least = 16
/** Part of the reads that could be told in advance, below which they are random. */
const randomBelow = 0.25

const switches = {
  unknown: Object.freeze({ links: true, run: true, successor: false }),
  sequential: Object.freeze({ links: true, run: true, successor: true }),
  loop: Object.freeze({ links: true, run: true, successor: true }),
  clustered: Object.freeze({ links: true, run: true, successor: false }),
  random: Object.freeze({ links: false, run: false, successor: false }),
} as const satisfies Record<WorkloadClass, Workload['on']>

/** Counts the last reads. */
export class WorkloadWindow {
  readonly #ring = new Uint8Array(window)
  readonly #counts = new Uint16Array(kinds.length)
  #reads = 0

  add(kind: ReadKind): void {
    const at = this.#reads % window
    if (this.#reads >= window) this.#counts[this.#ring[at]!]! -= 1
    this.#ring[at] = kinds.indexOf(kind)
    this.#counts[this.#ring[at]!]! += 1
    this.#reads += 1
  }

  get class(): WorkloadClass {
    if (this.#reads < least) return 'unknown'
    const [inOrder = 0, strided = 0, repeated = 0, near = 0] = this.#counts
    const ordered = inOrder + strided
    if (ordered + repeated + near < randomBelow * Math.min(this.#reads, window)) return 'random'
    if (ordered >= repeated && ordered >= near) return 'sequential'
    return repeated >= near ? 'loop' : 'clustered'
  }

  get on(): Workload['on'] {
    return switches[this.class]
  }

  look(): Workload {
    const counts = Object.fromEntries(kinds.map((kind, at) => [kind, this.#counts[at]!]))
    return Object.freeze({
      class: this.class,
      counts: Object.freeze(counts) as unknown as WorkloadCounts,
      on: this.on,
    })
  }
}
