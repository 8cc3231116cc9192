/** Recovery: the last checkpoint that is whole enough, and the changes behind it once more. */
import type { GetBlock } from '@ipfs-kit/ipfs/unixfs'
import { type Log, WalError } from '@ipfs-kit/wal'
import { JournalError } from './errors.ts'
import { type Kept, keptOf } from './kept.ts'
import { changesBehind } from './log-changes.ts'
import type { Marks } from './marks/marks.ts'
import { readMarks } from './marks/marks-blocks.ts'
import { namesOf } from './path.ts'
import { PutFolders } from './put-folders.ts'
import { decodeCheckpoint, encodeResume, isMarkStep, type KeptTree, type Step } from './record.ts'
import { Tree } from './tree/tree.ts'

/** A checkpoint with which a recovery did not go on. */
export interface PassedTree {
  readonly checkpoint: KeptTree
  readonly reason: JournalError
}

/** Checkpoints that are not to be gone on with, by their numbers. */
export type Unfit = ReadonlyMap<number, JournalError>

/** What was recovered. */
export interface Recovered extends Replayed {
  /** The first of its checkpoints is that from which it went on; without any it was the beginning of the log. */
  readonly kept: Kept
  /** Newer checkpoints, the newest first: they are not kept any more. */
  readonly passed: readonly PassedTree[]
  /** Why it went on without the attributes and mounts of the checkpoint: nobody has them any more. */
  readonly marksLost: JournalError | undefined
}

/** What the changes behind a checkpoint make of it. */
interface Replayed {
  readonly tree: Tree
  /** Number of the last change in it. */
  readonly sequence: number
  /** LSN of the last record that counts. */
  readonly lsn: number
  /** Changes that were done again, and bytes of their records. */
  readonly changes: number
  readonly bytes: number
  readonly dropped: number
  /** Attributes and mounts of the checkpoint. */
  readonly keptMarks: Marks | undefined
  readonly putFolders: PutFolders
}

/**
 * Makes the tree that the log tells of.
 *
 * @throws JournalError JOURNAL_FORMAT_TOO_NEW, JOURNAL_DAMAGED, JOURNAL_BLOCK_MISSING; WalError
 */
export async function recover(log: Log, get: GetBlock, unfit: Unfit = new Map()): Promise<Recovered> {
  const kept = await lastKept(log)
  const { firstLsn } = log.stats()
  const passed: PassedTree[] = []
  let failure: JournalError | undefined
  for (const [at, checkpoint] of basesOf(kept, firstLsn).entries()) {
    const known = checkpoint && unfit.get(checkpoint.sequence)
    const [replayed, reason = known] =
      known === undefined ? await tried(() => replayWhole(log, get, checkpoint, kept)) : []
    if (replayed !== undefined) {
      const checkpoints = kept.checkpoints.slice(at)
      return { ...replayed, kept: { ...kept, checkpoints }, passed, marksLost: undefined }
    }
    failure ??= reason
    if (checkpoint !== undefined) passed.push({ checkpoint, reason: reason! })
  }
  const bare = await recoverBare(log, get, unfit, kept)
  if (bare !== undefined) return bare
  throw (
    failure ?? new JournalError('JOURNAL_DAMAGED', `The log begins at ${firstLsn}, behind all checkpoints`)
  )
}

/** The newest tree that has all but the attributes and mounts of its checkpoint; nothing if there is none. */
async function recoverBare(
  log: Log,
  get: GetBlock,
  unfit: Unfit,
  kept: Kept,
): Promise<Recovered | undefined> {
  const { firstLsn } = log.stats()
  for (const [at, checkpoint] of basesOf(kept, firstLsn).entries()) {
    if (checkpoint?.marks === undefined || unfit.has(checkpoint.sequence)) continue
    const [, marksLost] = await tried(() => readMarks(checkpoint.marks, get))
    const { marks: _, ...bare } = checkpoint
    const [replayed] = await tried(() => replayWhole(log, get, bare, kept))
    if (marksLost === undefined || replayed === undefined) continue
    const [newer, older] = [kept.checkpoints.slice(0, at), kept.checkpoints.slice(at + 1)]
    const passed = newer.map((one) => ({ checkpoint: one, reason: marksLost }))
    return { ...replayed, kept: { ...kept, checkpoints: [bare, ...older] }, passed, marksLost }
  }
  return undefined
}

/** Sees to it that what could not be appended is never found. What the volume has no room for was not written. */
export async function overwriteFailed(
  log: Log,
  last: { readonly sequence: number; readonly at: number },
): Promise<void> {
  try {
    await log.append(encodeResume(last))
  } catch (cause) {
    if (!(cause instanceof WalError && cause.code === 'WAL_FULL')) throw cause
  }
}

/** With what a recovery can begin, the newest first: the log has all that came after it. */
function basesOf({ checkpoints }: Kept, firstLsn: number): (KeptTree | undefined)[] {
  const bases: (KeptTree | undefined)[] = checkpoints.filter(({ lsn }) => lsn + 1 >= firstLsn)
  // The beginning is one as long as the log has it: then nothing was there.
  if (firstLsn === 1) bases.push(undefined)
  return bases
}

/** What something gives, or why it cannot be gone on with that. */
async function tried<T>(work: () => Promise<T>): Promise<[T] | [undefined, JournalError]> {
  try {
    return [await work()]
  } catch (error) {
    if (!(error instanceof JournalError && unfitCodes.includes(error.code))) throw error
    return [undefined, error]
  }
}

const unfitCodes: readonly string[] = ['JOURNAL_BLOCK_MISSING', 'JOURNAL_DAMAGED']

async function replayWhole(
  log: Log,
  get: GetBlock,
  checkpoint: KeptTree | undefined,
  kept: Kept,
): Promise<Replayed> {
  if (checkpoint !== undefined) await get(checkpoint.root)
  const replayed = await replay(log, get, checkpoint)
  checkReaches(replayed, kept)
  return replayed
}

/** Damage of the log in front of a checkpoint is none of its own: only older ones are no good any more. */
function checkReaches({ sequence }: Replayed, { checkpoints: [newest] }: Kept): void {
  if (newest === undefined || sequence >= newest.sequence) return
  throw new JournalError(
    'JOURNAL_DAMAGED',
    `The log leads to change ${sequence} only; ${newest.sequence} was in the last checkpoint`,
  )
}

async function replay(log: Log, get: GetBlock, checkpoint: KeptTree | undefined): Promise<Replayed> {
  const base = checkpoint && { cid: checkpoint.root, dagBytes: checkpoint.dagBytes }
  const keptMarks = await readMarks(checkpoint?.marks, get)
  const tree = new Tree(base, get, keptMarks)
  let sequence = checkpoint?.sequence ?? 0
  let lsn = checkpoint?.lsn ?? 0
  let changes = 0
  let bytes = 0
  let dropped = 0
  const putFolders = new PutFolders()
  for await (const logged of changesBehind(log, { lsn, sequence })) {
    for (const { change, isDropped, ...record } of logged) {
      if (isDropped) {
        dropped += 1
        continue
      }
      putFolders.note(change)
      for (const step of change.steps) await redo(tree, step, change.sequence)
      sequence = change.sequence
      lsn = record.lsn
      changes += 1
      bytes += record.bytes
    }
  }
  return { tree, sequence, lsn, changes, bytes, dropped, keptMarks, putFolders }
}

/** What the last record of a checkpoint tells of. */
async function lastKept(log: Log): Promise<Kept> {
  let last: Kept = { checkpoints: [], snapshots: [], samples: [] }
  for await (const { firstLsn, payloads } of log.read()) {
    for (const [at, payload] of payloads.entries()) {
      const record = decodeCheckpoint(payload, firstLsn + at)
      if (record !== undefined) last = keptOf(record)
    }
  }
  return last
}

async function redo(tree: Tree, step: Step, sequence: number): Promise<void> {
  const needed = neededBy(step)
  // What was loaded for one path may be let go for the other.
  for (;;) {
    const missing = needed.find((names) => !tree.isLoaded(names))
    if (missing === undefined) break
    await tree.load(missing)
  }
  tree.apply(step, sequence)
}

/** What has to be in memory: of what comes to a path the folder, of what is used or changed the thing itself. */
function neededBy(step: Step): (readonly string[])[] {
  if (isMarkStep(step)) return []
  if (step.step === 'meta') return [namesOf(step.path)]
  if ('path' in step) return [namesOf(step.path).slice(0, -1)]
  return [namesOf(step.from), namesOf(step.to).slice(0, -1)]
}
