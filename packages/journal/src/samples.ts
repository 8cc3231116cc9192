/** How large the tree was when checkpoints were made: a series that is bounded, the older the sparser. */
import type { TreeSample } from './journal.ts'

/** As a record has it: milliseconds since 1970, the number of the last change, bytes of the tree, bytes of the log. */
export type SampleRow = readonly [at: number, sequence: number, treeBytes: number, logBytes: number]

/** All fit into each record of a checkpoint. */
const maxSamples = 64

/** The series with one more. When it is full, every second of its older half goes, but the first stays. */
export function withSample(samples: readonly SampleRow[], sample: SampleRow): readonly SampleRow[] {
  const all = [...samples, sample]
  if (all.length <= maxSamples) return all
  const half = all.length / 2
  return all.filter((_, at) => at >= half || at % 2 === 0)
}

export function shownSample([at, sequence, treeBytes, logBytes]: SampleRow): TreeSample {
  return Object.freeze({ at, sequence, treeBytes, logBytes })
}
