import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { JournalError, type JournalErrorCode } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Opened, openOn } from './open-on.ts'
import { doneOn, fullRowsOf, type PlainFiles } from './plain-files.ts'
import { anyOp, anyPath, anyStep } from './plain-ops.ts'
import { plainClock, type PlainOp, PlainTree } from './plain-tree.ts'
import { listAll, textOf } from './tree-of.ts'

/** How much is tried: more when the soak runs. */
const soak = Math.max(1, Number(process.env['IPFS_KIT_SOAK'] ?? 1))
const each = forEachBackend((name, run) => test(name, { timeout: 120_000 * soak }, run), { seeds: 1 })

interface Model {
  tree: PlainTree
}

interface Real {
  readonly disk: SimDisk
  opened: Opened
}

/** Something that is done on both; what it says is shown when they are not the same any more. */
function command(what: unknown, run: (model: Model, real: Real) => Promise<void>) {
  return { check: () => true, run, toString: () => JSON.stringify(what) }
}

const openPlain = (disk: SimDisk) =>
  openOn(disk, { segmentBytes: 4 * 1024 * 1024, clock: () => plainClock, checkpointChanges: 40 })

function filesOf({ opened: { journal } }: Real): PlainFiles {
  return { files: journal, flush: (path, options) => journal.flush(path, options) }
}

/** Does something on a plain tree: what it is then, and the code if it is refused. */
function doneOnPlain(tree: PlainTree, op: PlainOp) {
  const tried = tree.tried(op)
  return tried instanceof PlainTree ? { tree: tried, code: undefined } : { tree, code: tried }
}

const one = anyOp.map((op) =>
  command(op, async (model, real) => {
    const { tree, code } = doneOnPlain(model.tree, op)
    expect(await doneOn(filesOf(real), op)).toBe(code)
    model.tree = tree
  }),
)

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
        expect(await doneOn({ ...filesOf(real), files }, op), JSON.stringify(op)).toBe(done.code)
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
    const codes = await Promise.all(steps.map((op) => doneOn(filesOf(real), op)))
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

/** So many entries come or go that a folder becomes a HAMT, or is none any more. */
const crowd = anyPath.map((folder) =>
  command({ crowd: folder }, async (model, real) => {
    const entries = model.tree.at(folder)?.entries
    if (entries === undefined) return
    const names = Array.from({ length: 300 }, (_, at) => `${at}`.padEnd(900, 'x'))
    const isThere = entries.has(names[0]!)
    await using files = real.opened.journal.begin()
    let { tree } = model
    for (const name of names) {
      const path = `${folder === '/' ? '' : folder}/${name}`
      const op: PlainOp = isThere ? { op: 'rm', path, recursive: true } : { op: 'mkdir', path }
      const done = doneOnPlain(tree, op)
      expect(await doneOn({ ...filesOf(real), files }, op)).toBe(done.code)
      if (done.code !== undefined) return
      tree = done.tree
    }
    await files.commit()
    model.tree = tree
    await real.opened.journal.checkpoint()
  }),
)

const atFirst: readonly PlainOp[] = [
  ...['/a/a', '/a/b', '/b/c', '/c/a'].map((path) => ({ op: 'mkdir', path, parents: true }) as const),
  ...['/a/c', '/a/a/a', '/a/b/b', '/b/a'].map((path) => ({ op: 'write', path, text: path }) as const),
]

async function isAsOnPlain(
  commands: fc.Arbitrary<Iterable<fc.AsyncCommand<Model, Real>>>,
  numRuns: number,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(commands, async (some) => {
      const disk = simDisk({ seed: 1 })
      const real: Real = { disk, opened: await openPlain(disk) }
      const model: Model = { tree: new PlainTree() }
      try {
        for (const op of atFirst) {
          expect(await doneOn(filesOf(real), op)).toBeUndefined()
          model.tree = model.tree.after(op)!
        }
        await fc.asyncModelRun(() => ({ model, real }), some)
        await real.opened[Symbol.asyncDispose]()
        real.opened = await openPlain(disk)
        expect(await fullRowsOf(real.opened.journal)).toEqual(model.tree.fullRows())
      } finally {
        await real.opened[Symbol.asyncDispose]()
      }
    }),
    { numRuns },
  )
}

const small = [one, one, one, one, one, one, look, read, read, keep, transaction, atOnce, atOnce]

each('whatever is done comes to what it comes to on a plain tree', async () => {
  await isAsOnPlain(fc.commands(small, { maxCommands: 60, size: 'max' }), 60 * soak)
})

each('so it does with folders that become HAMTs and plain again', async () => {
  await isAsOnPlain(fc.commands([...small, crowd, crowd, crowd], { maxCommands: 25, size: 'max' }), 6 * soak)
})
