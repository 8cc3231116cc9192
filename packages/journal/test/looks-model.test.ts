import type { SimDisk } from '@ipfs-kit/disk'
import { type Files, JournalError } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect } from 'vitest'
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
import { codeOf, doneOn } from './plain-files.ts'
import { anyOp, anyPath, anyStep } from './plain-ops.ts'
import { contentOf, shownPlain, shownStat } from './plain-stat.ts'
import { stepsOf } from './plain-steps.ts'
import { plainClock, type PlainNode, PlainTree } from './plain-tree.ts'
import { listAll, textOf } from './tree-of.ts'

/** The tree, and the CIDs that were told of what had some content. */
class Seen implements Model {
  tree = new PlainTree()
  readonly cids = new Map<string, string>()
}

const openPlain = (disk: SimDisk) => openOn(disk, { segmentBytes: 4 * 1024 * 1024, clock: () => plainClock })

/** What somebody asks of a path. */
const anyLook = fc.oneof(
  fc.record({ look: fc.constant('stat'), path: anyPath }),
  fc.record({
    look: fc.constant('list'),
    path: anyPath,
    recursive: fc.boolean(),
    long: fc.boolean(),
    limit: fc.constantFrom(1, 2, 3, 1000),
  }),
  fc.record({
    look: fc.constant('read'),
    path: anyPath,
    offset: fc.nat({ max: 6 }),
    length: fc.nat({ max: 6 }),
  }),
)
type Look = typeof anyLook extends fc.Arbitrary<infer T> ? T : never

async function toldBy(files: Files, look: Look): Promise<unknown> {
  try {
    if (look.look === 'stat') return shownStat(await files.stat(look.path))
    if (look.look === 'read') return await textOf(files, look.path, look)
    const { path, recursive, long, limit } = look
    const entries = await listAll(files, path, { recursive, long, limit })
    return entries.map((entry) => `${entry.name} ${long ? shownStat(entry) : entry.kind}`)
  } catch (error) {
    if (error instanceof JournalError) return error.code
    throw error
  }
}

function toldByPlain(tree: PlainTree, look: Look): unknown {
  const { path } = look
  const tried = tree.pinned(path, undefined)
  if (!(tried instanceof PlainTree)) return tried
  const node = tree.at(path)!
  if (look.look === 'stat') return shownPlain(node)
  if (look.look === 'read') {
    if (node.text === undefined) return 'JOURNAL_NOT_A_FILE'
    if (look.offset > node.text.length) return 'JOURNAL_RANGE'
    return node.text.slice(look.offset, look.offset + look.length)
  }
  if (node.text !== undefined) return 'JOURNAL_NOT_A_FOLDER'
  return namesBelow(node, look.recursive).map(([name, inner]) => {
    const kind = inner.text === undefined ? 'directory' : 'file'
    return `${name} ${look.long ? shownPlain(inner) : kind}`
  })
}

/** Each folder before what is in it, in the order of names. */
function namesBelow({ entries }: PlainNode, isRecursive: boolean): [name: string, node: PlainNode][] {
  return [...(entries ?? [])]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([name, node]) => [
      [name, node] as [string, PlainNode],
      ...(isRecursive
        ? namesBelow(node, true).map(([below, inner]): [string, PlainNode] => [`${name}/${below}`, inner])
        : []),
    ])
}

const one = anyOp.map((op) => command<Seen, Real>(op, (model, real) => doOnBoth(model, real, op)))

const look = anyLook.map((asked) =>
  command<Seen, Real>(asked, async ({ tree }, { opened: { journal } }) => {
    expect(await toldBy(journal, asked)).toEqual(toldByPlain(tree, asked))
  }),
)

const flush = anyPath.map((path) =>
  command<Seen, Real>({ flush: path }, async ({ tree, cids }, { opened: { journal } }) => {
    const tried = tree.pinned(path, undefined)
    if (!(tried instanceof PlainTree)) {
      expect(await codeOf(journal.flush(path))).toBe(tried)
      return
    }
    const cid = String(await journal.flush(path))
    const content = contentOf(tree.at(path)!)
    expect(cid).toBe(cids.get(content) ?? cid)
    cids.set(content, cid)
  }),
)

const transaction = fc
  .record({
    steps: fc.array(fc.oneof(anyStep, anyLook), { minLength: 1, maxLength: 8 }),
    isCommitted: fc.boolean(),
  })
  .map(({ steps, isCommitted }) =>
    command<Seen, Real>({ steps, isCommitted }, async (model, { opened: { journal } }) => {
      await using files = journal.begin({ name: 'model' })
      let { tree } = model
      let count = 0
      for (const step of steps) {
        if ('look' in step) {
          expect(await toldBy(files, step), JSON.stringify(step)).toEqual(toldByPlain(tree, step))
          continue
        }
        const done = doneOnPlain(tree, step)
        expect(await doneOn({ ...filesOf(journal), files }, step), JSON.stringify(step)).toBe(done.code)
        if (done.code === undefined) count += stepsOf(tree, step).length
        tree = done.tree
      }
      const { id } = files
      const told = () => journal.transactions().find((one) => one.id === id)
      expect(journal.transaction(id)).toBe(files)
      expect(told()).toMatchObject({ name: 'model', state: 'open', steps: count })
      if (isCommitted) await files.commit()
      else await files.rollback()
      expect(told()).toMatchObject({ state: isCommitted ? 'committed' : 'rolled-back', steps: count })
      expect(journal.transaction(id)).toBe(files)
      expect(await codeOf(files.stat('/'))).toBe('JOURNAL_TRANSACTION_ENDED')
      if (isCommitted) model.tree = tree
    }),
  )

const keep = fc.constantFrom('checkpoint', 'open again').map((what) =>
  command<Seen, Real>(what, async (_, real) => {
    if (what === 'checkpoint') await real.opened.journal.checkpoint()
    else {
      await real.opened[Symbol.asyncDispose]()
      real.opened = await openPlain(real.disk)
    }
  }),
)

const some = [one, one, one, look, look, look, flush, transaction, transaction, keep]

each('whoever looks is told what is there, and refused where nothing is', async () => {
  await agrees<Seen, Real>(fc.commands(some, { maxCommands: 60, size: 'max' }), {
    numRuns: 40 * soak,
    open: openPlain,
    begin: doOnBoth,
    model: () => new Seen(),
  })
})
