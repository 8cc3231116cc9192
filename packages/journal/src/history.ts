/** What the log tells of a path: its changes, and the names that it had. */
import { isDeepStrictEqual } from 'node:util'
import { type Log, WalError } from '@ipfs-kit/wal'
import { diffTrees } from './diff.ts'
import { JournalError } from './errors.ts'
import { type HeldTree, holdTree } from './held-trees.ts'
import { changesBehind } from './log-changes.ts'
import type { LoggedTree } from './logged-tree.ts'
import { markAt } from './marks/marks.ts'
import { isWithin, type Names, namesOf, pathOf } from './path.ts'
import type { Step } from './record.ts'
import { comparableStat, statOf } from './stat.ts'
import { Tree } from './tree/tree.ts'
import type { KeptReference, PathChange, PathHistory, PathVersion, TreeReference } from './versions.ts'

/** What a history is made with. */
export interface HistoryOptions {
  readonly live: LoggedTree
  readonly log: Log
  readonly limit: number
  readonly signal: AbortSignal | undefined
}

export async function historyOf(names: Names, options: HistoryOptions): Promise<PathHistory> {
  const { live, signal } = options
  await live.whole(signal)
  for (;;) {
    const oldest = live.kept.checkpoints.at(-1)
    const from = live.hasBeginning || oldest === undefined ? { lsn: 0, sequence: 0 } : oldest
    try {
      const timeline = timelineOf(names, await movesBehind(from, options))
      const changes = await changesOf(timeline, from, options)
      return { changes, versions: await versionsOf(timeline, options) }
    } catch (error) {
      // Checkpoints were made meanwhile, and what was before them is gone.
      if (!(error instanceof WalError && error.code === 'WAL_DROPPED')) throw error
    }
  }
}

type Start = Parameters<typeof changesBehind>[1]

/** A step that moves something. */
interface Move {
  readonly sequence: number
  /** Which of the steps of its change it is. */
  readonly at: number
  readonly from: Names
  readonly to: Names
}

/** Names that a path has from a move on. */
interface Naming {
  readonly move: Move | undefined
  readonly names: Names
}

/** The names that a path had, the first one first: that which comes from before all moves. */
type Timeline = readonly Naming[]

async function movesBehind(start: Start, { log, signal }: HistoryOptions): Promise<Move[]> {
  const moves: Move[] = []
  for await (const changes of changesBehind(log, start, signal)) {
    for (const { change, isDropped } of changes) {
      for (const [at, step] of isDropped ? [] : change.steps.entries()) {
        if (step.step !== 'mv') continue
        moves.push({ sequence: change.sequence, at, from: namesOf(step.from), to: namesOf(step.to) })
      }
    }
  }
  return moves
}

function timelineOf(names: Names, moves: readonly Move[]): Timeline {
  const timeline: Naming[] = []
  let now = names
  for (const move of moves.toReversed()) {
    if (!isWithin(now, move.to)) continue
    timeline.push({ move, names: now })
    now = [...move.from, ...now.slice(move.to.length)]
  }
  timeline.push({ move: undefined, names: now })
  return timeline.toReversed()
}

async function changesOf(
  timeline: Timeline,
  start: Start,
  { log, limit, signal }: HistoryOptions,
): Promise<PathChange[]> {
  let found: PathChange[] = []
  let at = 0
  for await (const changes of changesBehind(log, start, signal)) {
    for (const { change, isDropped } of changes) {
      for (const [nth, step] of isDropped ? [] : change.steps.entries()) {
        const { sequence, at: time } = change
        if (isAbout(step, timeline[at]!.names)) found.push({ sequence, at: time, ...shown(step) })
        const move = timeline[at + 1]?.move
        if (move?.sequence === sequence && move.at === nth) at += 1
      }
    }
    found = found.slice(-limit)
  }
  return found.toReversed()
}

/** Whether a step changes what is at a path, or below it, or takes or brings it with a folder that it is in. */
function isAbout(step: Step, names: Names): boolean {
  const paths = 'path' in step ? [step.path] : step.step === 'mv' ? [step.from, step.to] : [step.to]
  const takesAll = ['put', 'rm', 'mv', 'cp'].includes(step.step)
  return paths.some((path) => {
    const changed = namesOf(path)
    return isWithin(changed, names) || (takesAll && isWithin(names, changed))
  })
}

function shown(step: Step): Pick<PathChange, 'change' | 'path' | 'from' | 'cid'> {
  const change = step.step
  if ('from' in step) return { change, path: step.to, from: step.from }
  return { change, path: step.path, ...(step.step === 'put' && { cid: step.cid }) }
}

/** Those of the trees that are kept in which there is something else than in the next newer one. */
async function versionsOf(timeline: Timeline, options: HistoryOptions): Promise<PathVersion[]> {
  const { checkpoints, snapshots } = options.live.kept
  const kept: { sequence: number; at: number; snapshot?: string; reference: KeptReference }[] = [
    ...snapshots.map(({ name, sequence, at }) => ({
      sequence,
      at,
      snapshot: name,
      reference: { snapshot: name },
    })),
    ...checkpoints.map(({ sequence, at }) => ({ sequence, at, reference: { checkpoint: sequence } })),
  ]
  const versions: PathVersion[] = []
  let newer = await versionIn('live', timeline.at(-1)!.names, options)
  for (const { reference, ...version } of kept.toSorted((left, right) => right.sequence - left.sequence)) {
    const { names } = timeline.findLast(
      ({ move }) => move === undefined || move.sequence <= version.sequence,
    )!
    const then = await versionIn(reference, names, options)
    if (isDeepStrictEqual(comparable(then), comparable(newer))) continue
    if (isUnwritten(newer) && isDeepStrictEqual(withoutCid(then), withoutCid(newer))) {
      if (await isAsLive(reference, names, options)) continue
    }
    versions.push({ ...version, ...then })
    newer = then
  }
  return versions
}

type Then = Pick<PathVersion, 'path' | 'stat'>

async function versionIn(reference: TreeReference, names: Names, options: HistoryOptions): Promise<Then> {
  const { live, signal } = options
  const path = pathOf(names)
  try {
    using held = await holdTree(live, reference, signal)
    const { tree } = held
    const entry = await tree.find(names, signal)
    if (entry === undefined) return { path }
    return { path, stat: await statOf({ entry, mark: markAt(tree.marks, names) }, tree.get, signal) }
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    if (error.code === 'JOURNAL_NOT_A_FOLDER' || error.code === 'JOURNAL_VERSION_UNKNOWN') return { path }
    // What a tree has lost nobody can tell.
    if (error.code === 'JOURNAL_BLOCK_MISSING') return { path, stat: { kind: 'unknown' } }
    throw error
  }
}

/** A folder of the live tree that has changed has no CID that could be compared. */
function isUnwritten({ stat }: Then): boolean {
  return stat?.kind === 'directory' && stat.cid === undefined
}

/** Whether there is in the live tree what a kept one has at a path, whatever the paths below carry. */
async function isAsLive(
  reference: KeptReference,
  names: Names,
  { live, signal }: HistoryOptions,
): Promise<boolean> {
  try {
    using before = await holdTree(live, reference, signal)
    using after = await holdTree(live, 'live', signal)
    for await (const _ of diffTrees(withoutMarks(before), withoutMarks(after), names, signal)) return false
    return true
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    if (error.code === 'JOURNAL_VERSION_UNKNOWN' || error.code === 'JOURNAL_BLOCK_MISSING') return false
    throw error
  }
}

function withoutMarks({ tree }: HeldTree): Tree {
  return new Tree(tree.root, tree.get)
}

function withoutCid({ path, stat }: Then): unknown {
  if (stat === undefined) return { path }
  const { cid: _, dagBytes: __, ...shown } = comparableStat(stat)
  return { path, ...shown }
}

function comparable({ path, stat }: Then): unknown {
  return stat === undefined ? { path } : { path, ...comparableStat(stat) }
}
