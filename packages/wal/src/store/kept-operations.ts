/**
 * Operations that retention leaves where they are, since records that are on their way to the index are about them: one that has
 * ended and is queued again, and one that another has to wait for.
 */

/** Keeps operations from retention until it is over. */
export interface Keeping extends Disposable {
  /** It is over when the index has this record. */
  until(lsn: number): void
}

interface Kept {
  readonly ids: readonly number[]
  lsn: number
}

/** What is kept just now. */
export class KeptOperations {
  readonly #all = new Set<Kept>()

  keep(ids: readonly number[]): Keeping {
    const kept: Kept = { ids, lsn: Infinity }
    this.#all.add(kept)
    return {
      until: (lsn) => {
        kept.lsn = lsn
      },
      [Symbol.dispose]: () => {
        this.#all.delete(kept)
      },
    }
  }

  /** Their ids, once an index has all up to an LSN. */
  ids(appliedLsn: number): number[] {
    for (const kept of this.#all) if (kept.lsn <= appliedLsn) this.#all.delete(kept)
    return [...new Set([...this.#all].flatMap(({ ids }) => ids))]
  }
}
