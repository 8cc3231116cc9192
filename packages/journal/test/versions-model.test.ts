import type { SimDisk } from '@ipfs-kit/disk'
import { type Journal, JournalError, type TreeReference } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect } from 'vitest'
import { agrees, command, doneOnPlain, doOnBoth, each, type Model, type Real, soak } from './model-run.ts'
import { openOn } from './open-on.ts'
import { plainDiff, shownDifference } from './plain-diff.ts'
import { codeOf, fullRowsOf } from './plain-files.ts'
import { anyMark, anyMount, anyOp, anyPath } from './plain-ops.ts'
import { shownStat } from './plain-stat.ts'
import { madeAnew, stepsOf, stepsOfRestore } from './plain-steps.ts'
import { plainClock, type PlainOp, PlainTree } from './plain-tree.ts'

/** A tree that is kept. */
interface PlainKept {
  readonly sequence: number
  readonly tree: PlainTree
}

/** The tree with what is kept besides. */
class Kept implements Model {
  tree = new PlainTree()
  sequence = 0
  /** The newest first. */
  checkpoints: readonly PlainKept[] = []
  snapshots: ReadonlyMap<string, PlainKept> = new Map()

  /** Gives the tree that a checkpoint has, and writes one if there is none of the tree as it is. */
  written(): PlainKept {
    const [newest] = this.checkpoints
    if (newest?.sequence === this.sequence) return newest
    const { sequence, tree } = this
    this.checkpoints = [{ sequence, tree }, ...this.checkpoints].slice(0, keepCheckpoints)
    return this.checkpoints[0]!
  }
}

const keepCheckpoints = 3

const openKeeping = (disk: SimDisk) =>
  openOn(disk, { segmentBytes: 4 * 1024 * 1024, clock: () => plainClock, keepCheckpoints })

async function doCounted(model: Kept, real: Real, op: PlainOp): Promise<void> {
  // What gives the CID of a folder writes what has changed.
  if ((op.op === 'put' || op.op === 'mount') && model.tree.at(op.from)?.entries !== undefined) {
    model.written()
    await real.opened.journal.checkpoint()
  }
  const isChange = doneOnPlain(model.tree, op).code === undefined && stepsOf(model.tree, op).length > 0
  await doOnBoth(model, real, op)
  if (isChange) model.sequence += 1
}

const one = fc
  .oneof({ weight: 4, arbitrary: anyOp }, anyMount, anyMark)
  .map((op) => command<Kept, Real>(op, (model, real) => doCounted(model, real, op)))

const anew = anyPath.map((path) =>
  command<Kept, Real>({ anew: path }, async (model, real) => {
    const op = madeAnew(model.tree, path)
    if (op !== undefined) await doCounted(model, real, op)
  }),
)

const name = fc.constantFrom('one', 'two')

const snapshot = name.map((name) =>
  command<Kept, Real>({ snapshot: name }, async (model, { opened: { journal } }) => {
    const isTaken = model.snapshots.has(name)
    expect(await codeOf(journal.snapshot(name))).toBe(isTaken ? 'JOURNAL_SNAPSHOT_EXISTS' : undefined)
    if (!isTaken) model.snapshots = new Map([...model.snapshots, [name, model.written()]])
  }),
)

const removal = name.map((name) =>
  command<Kept, Real>({ removeSnapshot: name }, async (model, { opened: { journal } }) => {
    const left = new Map(model.snapshots)
    const code = left.delete(name) ? undefined : 'JOURNAL_VERSION_UNKNOWN'
    expect(await codeOf(journal.removeSnapshot(name))).toBe(code)
    model.snapshots = left
  }),
)

const checkpoint = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }).map((keep) =>
  command<Kept, Real>({ checkpoint: keep }, async (model, { opened: { journal } }) => {
    const made = await journal.checkpoint({ ...(keep !== undefined && { keep }) })
    expect(made.sequence).toBe(model.written().sequence)
    model.checkpoints = model.checkpoints.slice(0, keep)
  }),
)

const list = fc.constant('list').map((what) =>
  command<Kept, Real>(what, async ({ sequence, snapshots, checkpoints }, { opened: { journal } }) => {
    expect(journal.snapshots().map(({ name, sequence }) => [name, sequence])).toEqual(
      [...snapshots].map(([name, { sequence }]) => [name, sequence]),
    )
    const numbers = checkpoints.map(({ sequence }) => sequence)
    expect(journal.checkpoints().map(({ sequence }) => sequence)).toEqual(numbers)
    expect(journal.samples().at(-1)?.sequence).toBe(numbers[0])
    expect(journal.stats()).toMatchObject({
      state: 'open',
      sequence,
      changesSinceCheckpoint: sequence - (numbers[0] ?? 0),
    })
  }),
)

const keep = fc.constantFrom('collect', 'open again').map((what) =>
  command<Kept, Real>(what, async ({ sequence, checkpoints }, real) => {
    if (what === 'collect') await real.opened.blocks.collect()
    else {
      await real.opened[Symbol.asyncDispose]()
      real.opened = await openKeeping(real.disk)
      const { changes, checkpoint } = real.opened.journal.recovery
      const from = checkpoints[0]?.sequence
      expect([changes, checkpoint?.sequence]).toEqual([sequence - (from ?? 0), from])
    }
  }),
)

/** A tree by what names it; a number counts checkpoints from the newest. */
type Which = 'live' | 'one' | 'two' | 'CID of one' | number
const which = fc.constantFrom<Which>('live', 'one', 'two', 'CID of one', 0, 1, 2)

/** A tree, as both have it; `undefined` where it is not there. */
function treeOf(model: Kept, which: Which): PlainTree | undefined {
  if (which === 'live') return model.tree
  if (typeof which === 'number') return model.checkpoints[which]?.tree
  if (which === 'CID of one') return model.snapshots.get('one')?.tree.withoutMarks()
  return model.snapshots.get(which)?.tree
}

function referenceOf({ checkpoints }: Kept, journal: Journal, which: Which): TreeReference | undefined {
  if (which === 'live') return which
  if (typeof which === 'number') return { checkpoint: checkpoints[which]?.sequence ?? -1 }
  if (which === 'CID of one') return journal.snapshots().find(({ name }) => name === 'one')?.cid
  return { snapshot: which }
}

async function diffOf(journal: Journal, from: TreeReference, to: TreeReference, path: string) {
  const found: string[] = []
  try {
    for await (const { path: at, change, before, after } of journal.diff(from, to, { path })) {
      found.push(shownDifference(at, change, before && shownStat(before), after && shownStat(after)))
    }
  } catch (error) {
    if (error instanceof JournalError) return error.code
    throw error
  }
  return found.toSorted()
}

const diff = fc.record({ from: which, to: which, path: fc.oneof(fc.constant('/'), anyPath) }).map((asked) =>
  command<Kept, Real>({ diff: asked }, async (model, { opened: { journal } }) => {
    const [from, to] = [referenceOf(model, journal, asked.from), referenceOf(model, journal, asked.to)]
    if (from === undefined || to === undefined) return
    const [before, after] = [treeOf(model, asked.from), treeOf(model, asked.to)]
    const wanted =
      before === undefined || after === undefined
        ? 'JOURNAL_VERSION_UNKNOWN'
        : (plainDiff(before, after, asked.path) ?? 'JOURNAL_NOT_FOUND')
    expect(await diffOf(journal, from, to, asked.path)).toEqual(wanted)
  }),
)

/** A tree that was written is no other than it was before. */
const write = fc.constant('write').map((what) =>
  command<Kept, Real>(what, async (model, { opened: { journal } }) => {
    const { sequence } = await journal.checkpoint()
    expect(model.written().sequence).toBe(sequence)
    expect(await diffOf(journal, 'live', { checkpoint: sequence }, '/')).toEqual([])
  }),
)

const restore = fc.record({ from: which.filter((from) => from !== 'live'), path: anyPath }).map((asked) =>
  command<Kept, Real>({ restore: asked }, async (model, { opened: { journal } }) => {
    const from = referenceOf(model, journal, asked.from)
    if (from === undefined || from === 'live') return
    const kept = treeOf(model, asked.from)
    const restored = kept ? model.tree.restored(asked.path, kept) : 'JOURNAL_VERSION_UNKNOWN'
    const code = restored instanceof PlainTree ? undefined : restored
    expect(await codeOf(journal.restore(from, { path: asked.path }))).toBe(code)
    if (!(restored instanceof PlainTree)) return
    if (stepsOfRestore(model.tree, asked.path, kept!).length > 0) model.sequence += 1
    model.tree = restored
    expect(await fullRowsOf(journal)).toEqual(model.tree.fullRows())
  }),
)

const some = [
  one,
  anew,
  write,
  one,
  one,
  one,
  one,
  snapshot,
  removal,
  checkpoint,
  list,
  keep,
  diff,
  diff,
  diff,
  restore,
]

each(
  'versions, what is different between them, and what comes back of them, are those of a plain tree',
  async () => {
    await agrees<Kept, Real>(fc.commands(some, { maxCommands: 50, size: 'max' }), {
      numRuns: 40 * soak,
      open: openKeeping,
      begin: doCounted,
      model: () => new Kept(),
    })
  },
)
