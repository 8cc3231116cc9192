import type { SimDisk } from '@ipfs-kit/disk'
import { JournalError, type JournalErrorCode } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect } from 'vitest'
import { crowds } from './model-crowd.ts'
import {
  agrees,
  command,
  doneOnPlain,
  doOnBoth,
  each,
  filesOf,
  type Model,
  type Real,
  soak,
} from './model-run.ts'
import { openOn } from './open-on.ts'
import { doneOn, fullRowsOf } from './plain-files.ts'
import { anyOp, anyPath, anyStep } from './plain-ops.ts'
import { plainClock, type PlainOp, PlainTree } from './plain-tree.ts'
import { listAll, textOf } from './tree-of.ts'

const openPlain = (disk: SimDisk) =>
  openOn(disk, { segmentBytes: 4 * 1024 * 1024, clock: () => plainClock, checkpointChanges: 40 })

const one = anyOp.map((op) => command(op, (model, real) => doOnBoth(model, real, op)))

const look = fc.constantFrom(1, 2, 3, 1000).map((limit) =>
  command({ look: limit }, async ({ tree }, { opened: { journal } }) => {
    const wanted = tree.fullRows()
    expect(await fullRowsOf(journal)).toEqual(wanted)
    const listed = await listAll(journal, '/', { recursive: true, limit })
    expect(listed.map(({ name }) => `/${name}`).toSorted()).toEqual([...wanted.keys()].slice(1).toSorted())
  }),
)

const read = fc
  .record({ path: anyPath, offset: fc.nat({ max: 6 }), length: fc.nat({ max: 6 }) })
  .map((range) =>
    command(range, async ({ tree }, { opened: { journal } }) => {
      const { path, offset, length } = range
      const file = tree.at(path)
      if (file?.text === undefined || offset > file.text.length) {
        await expect(textOf(journal, path, { offset, length })).rejects.toThrow(JournalError)
      } else {
        expect(await textOf(journal, path, { offset, length })).toBe(file.text.slice(offset, offset + length))
      }
    }),
  )

const keep = fc.constantFrom('checkpoint', 'collect', 'open again').map((what) =>
  command(what, async (_, real) => {
    if (what === 'checkpoint') await real.opened.journal.checkpoint()
    else if (what === 'collect') await real.opened.blocks.collect()
    else {
      await real.opened[Symbol.asyncDispose]()
      real.opened = await openPlain(real.disk)
    }
  }),
)

const transaction = fc
  .record({ steps: fc.array(anyStep, { minLength: 1, maxLength: 6 }), isCommitted: fc.boolean() })
  .map(({ steps, isCommitted }) =>
    command({ steps, isCommitted }, async (model, real) => {
      await using files = real.opened.journal.begin()
      let { tree } = model
      for (const op of steps) {
        const done = doneOnPlain(tree, op)
        expect(await doneOn({ ...filesOf(real.opened.journal), files }, op), JSON.stringify(op)).toBe(
          done.code,
        )
        tree = done.tree
      }
      expect(await fullRowsOf(files)).toEqual(tree.fullRows())
      expect(await fullRowsOf(real.opened.journal)).toEqual(model.tree.fullRows())
      if (!isCommitted) return
      await files.commit()
      model.tree = tree
    }),
  )

/** Some at once come to the same as one after the other, in some order. */
const atOnce = fc.array(anyStep, { minLength: 2, maxLength: 3 }).map((steps) =>
  command({ atOnce: steps }, async (model, real) => {
    const codes = await Promise.all(steps.map((op) => doneOn(filesOf(real.opened.journal), op)))
    const rows = await fullRowsOf(real.opened.journal)
    const orders = ordersOf(steps.map((op, at) => ({ op, code: codes[at] })))
    const tree = orders
      .map((order) => treeAfter(model.tree, order))
      .find((after) => after !== undefined && same(after.fullRows(), rows))
    expect(tree, JSON.stringify(codes)).toBeDefined()
    model.tree = tree!
  }),
)

interface Done {
  readonly op: PlainOp
  readonly code: JournalErrorCode | undefined
}

/** The tree after steps, if they come to what they came to. */
function treeAfter(tree: PlainTree, steps: readonly Done[]): PlainTree | undefined {
  let after = tree
  for (const { op, code } of steps) {
    if (isDisturbed(op, code)) continue
    const done = doneOnPlain(after, op)
    if (done.code !== code) return undefined
    after = done.tree
  }
  return after
}

/** Who changes a file is told when somebody else has changed it, or put a folder there, in between. */
function isDisturbed({ op }: PlainOp, code: JournalErrorCode | undefined): boolean {
  return (
    ['append', 'writeAt', 'truncate', 'meta'].includes(op) &&
    (code === 'JOURNAL_CONFLICT' || (op === 'meta' && code === 'JOURNAL_NOT_A_FILE'))
  )
}

function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, at) => ordersOf(items.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}

function same(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): boolean {
  return left.size === right.size && [...left].every(([path, row]) => right.get(path) === row)
}

async function isAsOnPlain(
  commands: fc.Arbitrary<Iterable<fc.AsyncCommand<Model, Real>>>,
  numRuns: number,
): Promise<void> {
  const model = () => ({ tree: new PlainTree() })
  await agrees<Model, Real>(commands, { numRuns, open: openPlain, begin: doOnBoth, model })
}

const small = [one, one, one, one, one, one, look, read, read, keep, transaction, atOnce, atOnce]

each('whatever is done comes to what it comes to on a plain tree', async () => {
  await isAsOnPlain(fc.commands(small, { maxCommands: 60, size: 'max' }), 60 * soak)
})

each('so it does with folders that become HAMTs and plain again', async () => {
  await isAsOnPlain(
    fc.commands([...small, crowds(), crowds(), crowds()], { maxCommands: 25, size: 'max' }),
    6 * soak,
  )
})
