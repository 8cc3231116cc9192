import type { SimDisk } from '@ipfs-kit/disk'
import { createMfs, type Mfs } from '@ipfs-kit/journal/mfs'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { expect } from 'vitest'
import { agrees, command, doOnBoth, each, type Model, type Real, soak } from './model-run.ts'
import { openOn, type Opened } from './open-on.ts'
import { codeOf, fullRowsOf } from './plain-files.ts'
import { afterMfs, type MfsOp } from './plain-mfs.ts'
import { anyOp, anyPath } from './plain-ops.ts'
import { plainClock, type PlainNode, PlainTree } from './plain-tree.ts'

const openPlain = (disk: SimDisk) => openOn(disk, { segmentBytes: 4 * 1024 * 1024, clock: () => plainClock })

/** The commands on the blocks of the journal: content paths of CIDs alone. */
function mfsOf({ journal, blocks }: Opened): Mfs {
  const files = { resolve: async (path: string) => CID.parse(path.slice('/ipfs/'.length)) }
  return createMfs({ journal, ipfs: { files, blocks: { get: async (cid) => (await blocks.get(cid))! } } })
}

const path = anyPath
const parents = fc.boolean()
/** To a path that ends in a slash a CID is put by its own name. */
const name = path.filter((one) => one !== '/')
const target = fc.oneof(
  { weight: 3, arbitrary: path },
  path.map((path) => `${path}/`.replace('//', '/')),
)
const mode = fc.integer({ min: 0, max: 0o7777 })
const mtime = fc.integer({ min: -5, max: 2 ** 32 })
const metadata = { mode, mtime }

const anyMfs: fc.Arbitrary<MfsOp> = fc.oneof(
  fc.record({ mfs: fc.constant('cp'), from: path, to: target, parents }),
  fc.record({ mfs: fc.constant('cp cid'), from: path, to: name, parents }),
  fc.record({ mfs: fc.constant('mv'), from: path, to: target }),
  fc.record(
    { mfs: fc.constant('mkdir'), path, parents, ...metadata },
    { requiredKeys: ['mfs', 'path', 'parents'] },
  ),
  fc.record({
    mfs: fc.constant('rm'),
    paths: fc.array(path, { minLength: 1, maxLength: 3 }),
    recursive: fc.boolean(),
    force: fc.boolean(),
  }),
  fc.record({ mfs: fc.constant('touch'), path, mtime }),
  fc.record({ mfs: fc.constant('chmod'), path, mode }),
  {
    weight: 4,
    arbitrary: fc.record(
      {
        mfs: fc.constant('write'),
        path,
        text: fc.string({ maxLength: 5 }),
        create: fc.boolean(),
        truncate: fc.boolean(),
        parents,
        offset: fc.oneof(fc.constant(0), fc.nat({ max: 6 })),
        length: fc.nat({ max: 4 }),
        ...metadata,
      },
      { requiredKeys: ['mfs', 'path', 'text', 'create', 'truncate', 'parents', 'offset'] },
    ),
  },
)

async function done(opened: Opened, op: MfsOp): Promise<void> {
  const mfs = mfsOf(opened)
  switch (op.mfs) {
    case 'cp':
      return await mfs.cp(op.from, op.to, { parents: op.parents })
    case 'cp cid':
      return await mfs.cp(`/ipfs/${await mfs.flush(op.from)}`, op.to, { parents: op.parents })
    case 'mv':
      return await mfs.mv(op.from, op.to)
    case 'mkdir':
      return await mfs.mkdir(op.path, { parents: op.parents, ...given(op) })
    case 'rm':
      return await mfs.rm(op.paths, { recursive: op.recursive, force: op.force })
    case 'touch':
      return await mfs.touch(op.path, { mtime: { secs: BigInt(op.mtime) } })
    case 'chmod':
      return await mfs.chmod(op.path, op.mode)
    case 'write': {
      const { create, truncate, parents, offset, length } = op
      const options = { create, truncate, parents, offset, ...(length !== undefined && { length }) }
      return await mfs.write(op.path, Buffer.from(op.text), { ...options, ...given(op) })
    }
  }
}

function given({ mode, mtime }: { readonly mode?: number | undefined; readonly mtime?: number | undefined }) {
  return {
    ...(mode !== undefined && { mode }),
    ...(mtime !== undefined && { mtime: { secs: BigInt(mtime) } }),
  }
}

const one = anyOp.map((op) => command(op, (model, real) => doOnBoth(model, real, op)))

const mfs = anyMfs.map((op) =>
  command(op, async (model: Model, { opened }: Real) => {
    const after = afterMfs(model.tree, op)
    expect(await codeOf(done(opened, op))).toBe(after instanceof PlainTree ? undefined : after)
    if (after instanceof PlainTree) model.tree = after
    expect(await fullRowsOf(opened.journal)).toEqual(model.tree.fullRows())
  }),
)

/** What is told of something, but for CIDs and what they weigh. */
function shown({ text, mode, mtime }: PlainNode) {
  const [type, usual] = text === undefined ? (['directory', 0o755] as const) : (['file', 0o644] as const)
  return { type, size: text?.length ?? 0, mode: mode ?? usual, mtime: mtime ?? null }
}

type Told = Pick<Awaited<ReturnType<Mfs['stat']>>, 'type' | 'size' | 'mode' | 'mtime'>

function shownTold({ type, size, mode, mtime }: Partial<Told>) {
  const usual = type === 'directory' ? 0o755 : 0o644
  return { type, size, mode: mode ?? usual, mtime: mtime === undefined ? null : Number(mtime.secs) }
}

async function allOf<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of from) all.push(one)
  return all
}

const look = path.map((path) =>
  command({ look: path }, async ({ tree }: Model, { opened }: Real) => {
    const mfs = mfsOf(opened)
    const tried = tree.pinned(path, undefined)
    if (!(tried instanceof PlainTree)) {
      for (const call of [mfs.stat(path), mfs.flush(path), mfs.ls(path).next(), mfs.read(path).next()]) {
        expect(await codeOf(call)).toBe(tried)
      }
      return
    }
    const node = tree.at(path)!
    const stat = await mfs.stat(path)
    expect(shownTold(stat)).toEqual(shown(node))
    expect(String(await mfs.flush(path))).toBe(stat.cid.toString())
    expect(shownTold(await mfs.stat(`/ipfs/${stat.cid}`))).toEqual(shown(node))
    const wanted = node.text === undefined ? [...node.entries!] : [[path.split('/').at(-1)!, node] as const]
    const found = await allOf(mfs.ls(path, { long: true }))
    expect(new Map(found.map((entry) => [entry.name, shownTold(entry)]))).toEqual(
      new Map(wanted.map(([name, inner]) => [name, shown(inner)])),
    )
    const names = await allOf(mfs.ls(path))
    expect(names.map(({ name }) => name).toSorted()).toEqual(wanted.map(([name]) => name).toSorted())
    if (node.text === undefined) return
    const read = allOf(mfs.read(path, { offset: 1, length: 3 }))
    if (node.text === '') expect(await codeOf(read)).toBe('JOURNAL_RANGE')
    else expect(Buffer.concat(await read).toString()).toBe(node.text.slice(1, 4))
  }),
)

const keep = fc.constantFrom('checkpoint', 'collect').map((what) =>
  command(what, async (_: Model, { opened: { journal, blocks } }: Real) => {
    if (what === 'checkpoint') await journal.checkpoint()
    else await blocks.collect()
  }),
)

each('the files commands come to what they come to on a plain tree', async () => {
  const commands = fc.commands([one, mfs, mfs, mfs, mfs, look, look, keep], { maxCommands: 50, size: 'max' })
  await agrees<Model, Real>(commands, {
    numRuns: 40 * soak,
    open: openPlain,
    begin: doOnBoth,
    model: () => ({ tree: new PlainTree() }),
  })
})
