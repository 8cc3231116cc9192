/** Recovery: the last checkpoint, and the changes behind it once more. */
import type { GetBlock } from '@ipfs-kit/ipfs/unixfs'
import type { Log } from '@ipfs-kit/wal'
import type { Marks } from './marks/marks.ts'
import { readMarks } from './marks/marks-blocks.ts'
import { parsePath } from './path.ts'
import { type CheckpointRecord, decodeChange, decodeCheckpoint, isMarkStep, type Step } from './record.ts'
import { Tree } from './tree/tree.ts'

/** What was recovered. */
export interface Recovered {
  readonly tree: Tree
  /** Number of the last change in it. */
  readonly sequence: number
  readonly checkpoint: CheckpointRecord | undefined
  /** Attributes and mounts of the checkpoint. */
  readonly checkpointMarks: Marks | undefined
  /** LSN of the last record that counts. */
  readonly lsn: number
  readonly changes: number
  readonly dropped: number
}

/**
 * Makes the tree that the log tells of.
 *
 * @throws JournalError JOURNAL_FORMAT_TOO_NEW, JOURNAL_DAMAGED, JOURNAL_BLOCK_MISSING; WalError
 */
export async function recover(log: Log, get: GetBlock): Promise<Recovered> {
  const checkpoint = await lastCheckpoint(log)
  const base = checkpoint && { cid: checkpoint.root, dagBytes: checkpoint.dagBytes }
  const checkpointMarks = await readMarks(checkpoint?.marks, get)
  const tree = new Tree(base, get, checkpointMarks)
  let sequence = checkpoint?.sequence ?? 0
  let lsn = checkpoint?.lsn ?? 0
  let changes = 0
  let dropped = 0
  const from = lsn + 1
  if (from >= log.stats().nextLsn)
    return { tree, sequence, checkpoint, checkpointMarks, lsn, changes, dropped }
  for await (const { firstLsn, payloads } of log.read({ from })) {
    for (const [at, payload] of payloads.entries()) {
      const change = decodeChange(payload, firstLsn + at)
      if (change === undefined) continue
      if (change.sequence !== sequence + 1) {
        dropped += 1
        continue
      }
      for (const step of change.steps) await redo(tree, step, change.sequence)
      sequence = change.sequence
      lsn = firstLsn + at
      changes += 1
    }
  }
  return { tree, sequence, checkpoint, checkpointMarks, lsn, changes, dropped }
}

async function lastCheckpoint(log: Log): Promise<CheckpointRecord | undefined> {
  let last: CheckpointRecord | undefined
  for await (const { firstLsn, payloads } of log.read()) {
    for (const [at, payload] of payloads.entries()) {
      last = decodeCheckpoint(payload, firstLsn + at) ?? last
    }
  }
  return last
}

async function redo(tree: Tree, step: Step, sequence: number): Promise<void> {
  for (const names of neededBy(step)) await tree.load(names)
  tree.apply(step, sequence)
}

/** What has to be in memory: of what comes to a path the folder, of what is used the thing itself. */
function neededBy(step: Step): (readonly string[])[] {
  if (isMarkStep(step)) return []
  if ('path' in step) return [parsePath(step.path).slice(0, -1)]
  return [parsePath(step.from), parsePath(step.to).slice(0, -1)]
}
