/** What is kept besides the live tree: the last checkpoints, and the snapshots. */
import type { CID } from 'multiformats/cid'
import type { CheckpointRecord, KeptTree, NamedTree } from './record.ts'

export interface Kept {
  /** The newest first. */
  readonly checkpoints: readonly KeptTree[]
  /** In the order in which they were made. */
  readonly snapshots: readonly NamedTree[]
}

/** What a record of a checkpoint tells of. */
export function keptOf({ older, snapshots, ...newest }: CheckpointRecord): Kept {
  return { checkpoints: [newest, ...older], snapshots }
}

/** The record that tells of it. It has a checkpoint at least. */
export function recordOf({ checkpoints, snapshots }: Kept): CheckpointRecord {
  const [newest, ...older] = checkpoints
  return { ...newest!, older, snapshots }
}

export function rootsOfKept({ checkpoints, snapshots }: Kept): CID[] {
  return [...checkpoints, ...snapshots].flatMap(({ root, marks }) =>
    marks === undefined ? root : [root, marks],
  )
}
