import type { SimDisk } from '@ipfs-kit/disk'
import type { Journal, TreeDamage, TreeVerified } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect } from 'vitest'
import { type Dag, dagOf, reached } from './dag.ts'
import { crowds } from './model-crowd.ts'
import { agrees, command, doOnBoth, each, type Model, type Real, soak } from './model-run.ts'
import { openOn, type Opened } from './open-on.ts'
import { fullRowsOf } from './plain-files.ts'
import { anyOp, anyStep } from './plain-ops.ts'
import { contentOf } from './plain-stat.ts'
import { plainClock, PlainTree } from './plain-tree.ts'

const openPlain = (disk: SimDisk) => openOn(disk, { segmentBytes: 4 * 1024 * 1024, clock: () => plainClock })

async function verified(
  journal: Journal,
): Promise<{ readonly damages: readonly TreeDamage[]; readonly sum: TreeVerified }> {
  const damages: TreeDamage[] = []
  const running = journal.verify()
  for (;;) {
    const { done, value } = await running.next()
    if (done === true) return { damages, sum: value }
    damages.push(value)
  }
}

/** Files and folders, those that are the same once. */
function countOf(tree: PlainTree): Pick<TreeVerified, 'files' | 'folders'> {
  const nodes = [...tree.rows().keys()].map((path) => tree.at(path)!)
  const count = (isFile: boolean) =>
    new Set(nodes.filter(({ text }) => (text !== undefined) === isFile).map(contentOf)).size
  return { files: count(true), folders: count(false) }
}

/** Blocks of which some are gone. */
function sumOf(dag: Dag, cids: ReadonlySet<string>, gone: ReadonlySet<string>) {
  const there = [...cids].filter((cid) => !gone.has(cid))
  const bytes = there.reduce((sum, cid) => sum + dag.get(cid)!.bytes.length, 0)
  return { blocks: there.length, bytes, missing: cids.size - there.length, invalid: 0 }
}

/** The blocks of each path that are of none of its entries. */
async function ownBlocks(
  { journal }: Opened,
  tree: PlainTree,
  dag: Dag,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const cids = new Map<string, string>()
  for (const path of tree.rows().keys()) cids.set(path, String((await journal.stat(path)).cid))
  return new Map(
    [...cids].map(([path, cid]) => {
      const names = [...(tree.at(path)!.entries?.keys() ?? [])]
      const entries = new Set(names.map((name) => cids.get(`${path === '/' ? '' : path}/${name}`)!))
      const all = reached(dag, cid, (one) => entries.has(one))
      return [path, new Set([...all].filter((one) => !entries.has(one)))]
    }),
  )
}

/** Which blocks are lost, by their places among all, in thousandths. */
const lost = fc.array(fc.nat({ max: 999 }), { minLength: 1, maxLength: 4 })

function chosen(cids: readonly string[], places: readonly number[]): ReadonlySet<string> {
  return new Set(places.map((place) => cids[Math.floor((place * cids.length) / 1000)]!))
}

const one = anyOp.map((op) => command(op, (model, real) => doOnBoth(model, real, op)))
const step = anyStep.map((op) => command(op, (model, real) => doOnBoth(model, real, op)))

const whole = fc.boolean().map((isWritten) =>
  command({ verify: isWritten }, async ({ tree }, { opened: { journal, blocks } }) => {
    if (!isWritten) {
      expect(await verified(journal)).toMatchObject({ damages: [], sum: { missing: 0, invalid: 0 } })
      return
    }
    const dag = await dagOf(blocks, (await journal.checkpoint()).cid)
    const sum = { ...countOf(tree), ...sumOf(dag, new Set(dag.keys()), new Set()) }
    expect(await verified(journal)).toEqual({ damages: [], sum })
  }),
)

const lose = lost.map((places) =>
  command({ lose: places }, async ({ tree }, { opened }) => {
    const { journal, blocks } = opened
    const { cid: root } = await journal.checkpoint()
    const dag = await dagOf(blocks, root)
    const own = await ownBlocks(opened, tree, dag)
    const gone = chosen([...dag.keys()], places)
    for (const cid of gone) await blocks.delete(dag.get(cid)!.cid)
    const { damages, sum } = await verified(journal)
    const met = reached(dag, root.toString(), (cid) => gone.has(cid))
    const wanted = [...met].filter((cid) => gone.has(cid))
    expect(damages.map(({ cid, problem }) => `${problem} ${cid}`).toSorted()).toEqual(
      wanted.map((cid) => `missing ${cid}`).toSorted(),
    )
    for (const { path, cid } of damages) expect(own.get(path), path).toContain(cid.toString())
    expect(sum).toMatchObject(sumOf(dag, met, gone))
    for (const cid of gone) await blocks.put(dag.get(cid)!.cid, dag.get(cid)!.bytes)
    expect((await verified(journal)).damages).toEqual([])
  }),
)

const recover = fc.option(lost, { nil: [] }).map((places) =>
  command({ recover: places }, async ({ tree }, { opened }) => {
    const { journal, blocks } = opened
    const { cid: root } = await journal.checkpoint()
    const dag = await dagOf(blocks, root)
    const own = await ownBlocks(opened, tree, dag)
    const ofFolders = [...own].filter(([path]) => tree.at(path)!.entries !== undefined)
    const gone = chosen([...new Set(ofFolders.flatMap(([, cids]) => [...cids]))], places)
    for (const cid of gone) await blocks.delete(dag.get(cid)!.cid)
    const met = reached(dag, root.toString(), (cid) => gone.has(cid))
    const wanted = [...met].filter((cid) => gone.has(cid))
    const { damages, verified: sum, recovery } = await journal.recover()
    expect(damages.map(({ cid }) => cid.toString()).toSorted()).toEqual(wanted.toSorted())
    expect(sum.missing).toBe(wanted.length)
    expect(recovery === undefined).toBe(gone.size === 0)
    expect(await fullRowsOf(journal)).toEqual(tree.fullRows())
    expect((await verified(journal)).damages).toEqual([])
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

async function isAsOnPlain(
  commands: readonly fc.Arbitrary<fc.AsyncCommand<Model, Real>>[],
  { maxCommands, numRuns }: { readonly maxCommands: number; readonly numRuns: number },
): Promise<void> {
  await agrees<Model, Real>(fc.commands([...commands], { maxCommands, size: 'max' }), {
    numRuns: numRuns * soak,
    open: openPlain,
    begin: doOnBoth,
    model: () => ({ tree: new PlainTree() }),
  })
}

each('a verification finds the blocks that are lost, and no others', async () => {
  await isAsOnPlain([one, one, one, keep, whole, lose], { maxCommands: 40, numRuns: 20 })
})

each('so it does in folders that are HAMTs', async () => {
  await isAsOnPlain([one, crowds(), whole, lose], { maxCommands: 12, numRuns: 4 })
})

each('a recovery makes of the log what folders are lost, and nothing else', async () => {
  await isAsOnPlain([step, step, step, keep, recover], { maxCommands: 40, numRuns: 20 })
})
