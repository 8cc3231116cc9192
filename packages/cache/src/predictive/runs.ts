/** Runs of positions: one after the other, or with the same stride. */
import { unknown, type Visit } from './dag-plan.ts'

/** Positions that are this close are one cluster. */
export const nearBy = 16

/** The positions of one reader. */
export class Runs {
  #last: number | undefined
  #stride = 0
  #repeats = 0

  /** A position is read. */
  visit(position: number): Visit {
    const last = this.#last
    this.#last = position
    if (last === undefined) return unknown
    const stride = position - last
    const isSame = stride === this.#stride && stride !== 0
    this.#repeats = isSame ? this.#repeats + 1 : Number(stride !== 0)
    this.#stride = stride
    const distance = Math.abs(stride)
    if (stride === 1) return { step: 'next', distance, isFirstBelow: false }
    return { step: isSame ? 'stride' : 'jump', distance, isFirstBelow: false }
  }

  /** How often the stride was the same: from two on it is a run. */
  get repeats(): number {
    return this.#repeats
  }

  /** The positions that go on with the run. */
  *ahead(): Generator<number, void, undefined> {
    if (this.#last === undefined || this.#stride === 0) return
    for (let at = this.#last + this.#stride; at >= 0 && Number.isSafeInteger(at); at += this.#stride) yield at
  }
}
