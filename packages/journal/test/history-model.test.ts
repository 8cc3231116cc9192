import type { SimDisk } from '@ipfs-kit/disk'
import type { PathHistory, PathVersion } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect } from 'vitest'
import { agrees, command, doInTransaction, doOnBoth, each, type Model, type Real, soak } from './model-run.ts'
import { openOn } from './open-on.ts'
import {
  changesOf,
  nameAt,
  type PlainChange,
  type PlainVersion,
  shownStep,
  shownVersion,
  versionsOf,
} from './plain-history.ts'
import { anyMount, anyOp, anyPath, anyStep } from './plain-ops.ts'
import { contentOf, shownStat } from './plain-stat.ts'
import { madeAnew, type PlainStep, stepsOf, stepsOfRestore } from './plain-steps.ts'
import { plainClock, type PlainOp, PlainTree } from './plain-tree.ts'

/** The tree with all that was done on it, and what is kept of it. */
class Past implements Model {
  tree = new PlainTree()
  readonly log: PlainChange[] = []
  /** Those after each change, the first one before all. */
  readonly trees = [this.tree]
  checkpoints: readonly PlainVersion[] = []
  snapshots: readonly PlainVersion[] = []

  changed(steps: readonly PlainStep[]): void {
    if (steps.length === 0) return
    this.log.push({ sequence: this.log.length + 1, steps })
    this.trees.push(this.tree)
  }

  written(snapshot?: string): void {
    const version = { sequence: this.log.length, tree: this.tree }
    if (this.checkpoints[0]?.sequence !== version.sequence) {
      this.checkpoints = [version, ...this.checkpoints].slice(0, keepCheckpoints)
    }
    if (snapshot !== undefined) this.snapshots = [...this.snapshots, { ...version, snapshot }]
  }

  versionsOf(path: string): string[] {
    return versionsOf(path, this.tree, this.log, [...this.snapshots, ...this.checkpoints])
  }
}

const keepCheckpoints = 2

// No segment becomes so full that the log loses its beginning.
const openWithPast = (disk: SimDisk) =>
  openOn(disk, { segmentBytes: 4 * 1024 * 1024, clock: () => plainClock, keepCheckpoints })

async function doLogged(model: Past, real: Real, op: PlainOp): Promise<void> {
  // What gives the CID of a folder writes what has changed.
  const isOfFolder = (op.op === 'put' || op.op === 'mount') && model.tree.at(op.from)?.entries !== undefined
  if (isOfFolder) await write(model, real)
  const before = model.tree
  await doOnBoth(model, real, op)
  if (before.after(op) !== undefined) model.changed(stepsOf(before, op))
}

async function write(model: Past, { opened: { journal } }: Real, snapshot?: string): Promise<void> {
  if (snapshot === undefined) await journal.checkpoint()
  else await journal.snapshot(snapshot)
  model.written(snapshot)
}

const one = fc
  .oneof({ weight: 5, arbitrary: anyOp }, anyMount)
  .map((op) => command<Past, Real>(op, (model, real) => doLogged(model, real, op)))

const anew = anyPath.map((path) =>
  command<Past, Real>({ anew: path }, async (model, real) => {
    const op = madeAnew(model.tree, path)
    if (op !== undefined) await doLogged(model, real, op)
  }),
)

const transaction = fc.array(anyStep, { minLength: 2, maxLength: 5 }).map((ops) =>
  command<Past, Real>({ transaction: ops }, async (model, real) => {
    const { tree, steps } = await doInTransaction(model, real, ops)
    model.tree = tree
    model.changed(steps)
  }),
)

const keep = fc.constantFrom('checkpoint', 'snapshot', 'open again').map((what) =>
  command<Past, Real>(what, async (model, real) => {
    if (what === 'checkpoint') await write(model, real)
    else if (what === 'snapshot') await write(model, real, `after ${model.snapshots.length}`)
    else {
      await real.opened[Symbol.asyncDispose]()
      real.opened = await openWithPast(real.disk)
    }
  }),
)

const restore = anyPath.map((path) =>
  command<Past, Real>({ restore: path }, async (model, { opened: { journal } }) => {
    const [first] = model.snapshots
    if (first === undefined) return
    const restored = model.tree.restored(path, first.tree)
    if (!(restored instanceof PlainTree)) return
    await journal.restore({ snapshot: first.snapshot! }, { path })
    const steps = stepsOfRestore(model.tree, path, first.tree)
    model.tree = restored
    model.changed(steps)
  }),
)

const history = fc.record({ path: anyPath, limit: fc.constantFrom(1, 3, 1000) }).map(({ path, limit }) =>
  command<Past, Real>({ history: path, limit }, async (model, { opened: { journal } }) => {
    const told = await journal.history(path, { limit })
    const changes = told.changes.map(({ sequence, ...step }) => shownStep(sequence, step))
    expect(changes).toEqual(changesOf(path, model.log).slice(0, limit))
    if (limit === 1000) isToldWhenChanged(path, model, told)
    expect(told.versions.map(shown)).toEqual(model.versionsOf(path))
  }),
)

/** Whenever there was something else at the path after a change, that is told. */
function isToldWhenChanged(path: string, { log, trees }: Past, { changes }: PathHistory): void {
  const told = new Set(changes.map(({ sequence }) => sequence))
  for (const { sequence } of log) {
    const [before, after] = [sequence - 1, sequence].map((at) => {
      const node = trees[at]!.at(nameAt(path, at, log))
      return node && contentOf(node)
    })
    if (before !== after) expect(told, `${path} after ${sequence}`).toContain(sequence)
  }
}

function shown({ snapshot, sequence, path, stat }: PathVersion): string {
  return shownVersion(snapshot, sequence, path, stat && shownStat(stat))
}

const some = [one, anew, one, one, one, transaction, keep, restore, history, history]

each('the history of a path is that of the list of all that was done', async () => {
  await agrees<Past, Real>(fc.commands(some, { maxCommands: 50, size: 'max' }), {
    numRuns: 40 * soak,
    open: openWithPast,
    begin: doLogged,
    model: () => new Past(),
  })
})
