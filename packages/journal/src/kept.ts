/** What is kept besides the live tree: the last checkpoints, the snapshots, and how large the tree was. */
import type { CID } from 'multiformats/cid'
import type { CheckpointRecord, KeptTree, NamedTree } from './record.ts'
import type { SampleRow } from './samples.ts'

export interface Kept {
  /** The newest first. */
  readonly checkpoints: readonly KeptTree[]
  /** In the order in which they were made. */
  readonly snapshots: readonly NamedTree[]
  /** In the order of time. */
  readonly samples: readonly SampleRow[]
}

/** What a record of a checkpoint tells of. */
export function keptOf({ older, snapshots, samples, ...newest }: CheckpointRecord): Kept {
  return { checkpoints: [newest, ...older], snapshots, samples }
}

/** The record that tells of it. It has a checkpoint at least. */
export function recordOf({ checkpoints, snapshots, samples }: Kept): CheckpointRecord {
  const [newest, ...older] = checkpoints
  return { ...newest!, older, snapshots, samples }
}

export function rootsOfKept({ checkpoints, snapshots }: Kept): CID[] {
  return [...checkpoints, ...snapshots].flatMap(({ root, marks }) =>
    marks === undefined ? root : [root, marks],
  )
}
