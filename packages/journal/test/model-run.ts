/** Runs commands on a journal on a simulated disk, and on a plain tree beside it. */
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Journal } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Opened } from './open-on.ts'
import { doneOn, fullRowsOf, type PlainFiles } from './plain-files.ts'
import { type PlainStep, stepsOf } from './plain-steps.ts'
import { type PlainOp, PlainTree } from './plain-tree.ts'

/** How much is tried: more when the soak runs. */
export const soak = Math.max(1, Number(process.env['IPFS_KIT_SOAK'] ?? 1))
export const each = forEachBackend((name, run) => test(name, { timeout: 120_000 * soak }, run), { seeds: 1 })

/** What the journal should be. */
export interface Model {
  tree: PlainTree
}

/** What it is. */
export interface Real {
  readonly disk: SimDisk
  opened: Opened
}

/** Something that is done on both; what it says is shown when they are not the same any more. */
export function command<M extends Model, R extends Real>(
  what: unknown,
  run: (model: M, real: R) => Promise<void>,
): fc.AsyncCommand<M, R> {
  return { check: () => true, run, toString: () => JSON.stringify(what) }
}

export function filesOf(journal: Journal): PlainFiles {
  return { files: journal, flush: (path, options) => journal.flush(path, options) }
}

/** Some folders and files, so that paths often lead to something. */
export const atFirst: readonly PlainOp[] = [
  ...['/a/a', '/a/b', '/b/c', '/c/a'].map((path) => ({ op: 'mkdir', path, parents: true }) as const),
  ...['/a/c', '/a/a/a', '/a/b/b', '/b/a'].map((path) => ({ op: 'write', path, text: path }) as const),
]

/** What commands run on. */
export interface ModelRun<M extends Model, R extends Real> {
  readonly numRuns: number
  readonly open: (disk: SimDisk) => Promise<R['opened']>
  /** Does one of the first steps on both. */
  readonly begin: (model: M, real: R, op: PlainOp) => Promise<void>
  readonly model: () => M
}

/** Runs them: when they have ended, and after an opening, the tree is what it is to be. */
export async function agrees<M extends Model, R extends Real>(
  commands: fc.Arbitrary<Iterable<fc.AsyncCommand<M, R>>>,
  { numRuns, open, begin, model: newModel }: ModelRun<M, R>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(commands, async (some) => {
      const disk = simDisk({ seed: 1 })
      const real = { disk, opened: await open(disk) } as R
      const model = newModel()
      try {
        for (const op of atFirst) await begin(model, real, op)
        await fc.asyncModelRun(() => ({ model, real }), some)
        await real.opened[Symbol.asyncDispose]()
        real.opened = await open(disk)
        expect(await fullRowsOf(real.opened.journal)).toEqual(model.tree.fullRows())
      } finally {
        await real.opened[Symbol.asyncDispose]()
      }
    }),
    { numRuns },
  )
}

/** Does something on a plain tree: what it is then, and the code if it is refused. */
export function doneOnPlain(tree: PlainTree, op: PlainOp) {
  const tried = tree.tried(op)
  return tried instanceof PlainTree ? { tree: tried, code: undefined } : { tree, code: tried }
}

/** Does something on both. */
export async function doOnBoth(model: Model, { opened }: Real, op: PlainOp): Promise<void> {
  const { tree, code } = doneOnPlain(model.tree, op)
  expect(await doneOn(filesOf(opened.journal), op), JSON.stringify(op)).toBe(code)
  model.tree = tree
}

/** Does some things in a transaction, each as on the plain tree, and commits. Gives the tree after them, and the steps that were done. */
export async function doInTransaction(
  { tree: before }: Model,
  { opened: { journal } }: Real,
  ops: readonly PlainOp[],
): Promise<{ readonly tree: PlainTree; readonly steps: readonly PlainStep[] }> {
  await using files = journal.begin()
  const steps: PlainStep[] = []
  let tree = before
  for (const op of ops) {
    const done = doneOnPlain(tree, op)
    expect(await doneOn({ ...filesOf(journal), files }, op), JSON.stringify(op)).toBe(done.code)
    if (done.code === undefined) steps.push(...stepsOf(tree, op))
    tree = done.tree
  }
  await files.commit()
  return { tree, steps }
}
