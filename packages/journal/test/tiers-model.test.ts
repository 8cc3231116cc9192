import type { SimDisk } from '@ipfs-kit/disk'
import type { CID } from 'multiformats/cid'
import fc from 'fast-check'
import { expect } from 'vitest'
import { dagOf } from './dag.ts'
import { agrees, command, doInTransaction, doOnBoth, each, type Model, type Real, soak } from './model-run.ts'
import { nearBytes, type OpenedTiered, openTiered, settled } from './near-and-packs.ts'
import { codeOf } from './plain-files.ts'
import { anyOp, anyPath, anyStep } from './plain-ops.ts'
import { type PlainStep, stepsOf } from './plain-steps.ts'
import { namesOf, parentOf, plainClock, type PlainOp, PlainTree } from './plain-tree.ts'

interface RealTiers extends Real {
  opened: OpenedTiered
}

/** The tree, and the blocks of files that are near; of others nobody has asked that. */
class Tiered implements Model {
  tree = new PlainTree()
  near: ReadonlySet<string> = new Set()
  /** The blocks of folders that were there when somebody looked last. */
  folders: ReadonlySet<string> = new Set()

  tierOf(path: string): string | undefined {
    return this.tree.at(path)?.tier ?? (path === '/' ? undefined : this.tierOf(parentOf(path)))
  }

  /** The paths of files at a path and below. */
  filesAt(path: string): string[] {
    const { text, entries } = this.tree.at(path) ?? {}
    if (text !== undefined) return [path]
    return [...(entries?.keys() ?? [])].flatMap((name) =>
      this.filesAt(`/${[...namesOf(path), name].join('/')}`),
    )
  }
}

const openPlain = (disk: SimDisk) =>
  openTiered(disk, { segmentBytes: 4 * 1024 * 1024, clock: () => plainClock })

/** The blocks of the file at a path, those that a small memory takes. */
async function blocksAt({ journal, blocks }: OpenedTiered, path: string): Promise<string[]> {
  const dag = await dagOf(blocks, (await journal.stat(path)).cid!)
  return [...dag].filter(([, { bytes }]) => bytes.length <= nearBytes).map(([cid]) => cid)
}

/** What has come to paths is moved to where it is pinned. What is pinned to both tiers may lie in either. */
async function bring(model: Tiered, { opened }: RealTiers, paths: readonly string[]): Promise<void> {
  await settled(opened.journal)
  const wanted = new Map<string, Set<string>>()
  for (const path of new Set(paths.flatMap((path) => model.filesAt(path)))) {
    const tier = model.tierOf(path)
    if (tier === undefined) continue
    for (const cid of await blocksAt(opened, path)) wanted.set(cid, (wanted.get(cid) ?? new Set()).add(tier))
  }
  const near = new Set(model.near)
  for (const [cid, tiers] of wanted) {
    const isNear = tiers.size === 1 ? tiers.has('near') : opened.tiers.near.has(cid)
    if (isNear) near.add(cid)
    else near.delete(cid)
  }
  model.near = near
  await areWhereTheyShould(model, opened)
  await areNewFoldersWhereTheyShould(model, opened)
}

async function areWhereTheyShould(model: Tiered, opened: OpenedTiered): Promise<void> {
  for (const path of model.filesAt('/')) {
    for (const cid of await blocksAt(opened, path)) {
      expect(opened.tiers.near.has(cid), `a block of ${path} is near`).toBe(model.near.has(cid))
    }
  }
}

/** The blocks of folders are moved when they are written. */
async function areNewFoldersWhereTheyShould(model: Tiered, { journal, tiers }: OpenedTiered): Promise<void> {
  const tiersOf = new Map<string, Set<string>>()
  for (const [path] of model.tree.rows()) {
    const { kind, cid } = await journal.stat(path)
    if (kind !== 'directory' || cid === undefined) continue
    const tier = model.tierOf(path)
    const pinned = tiersOf.get(cid.toString()) ?? new Set()
    tiersOf.set(cid.toString(), tier === undefined ? pinned : pinned.add(tier))
  }
  for (const [cid, pinned] of tiersOf) {
    if (pinned.size !== 1 || model.folders.has(cid)) continue
    expect(tiers.near.has(cid), `the folder ${cid} is near`).toBe(pinned.has('near'))
  }
  model.folders = new Set([...model.folders, ...tiersOf.keys()])
}

/** Where something comes to by steps. */
function targetsOf(steps: readonly PlainStep[]): string[] {
  return steps.filter(({ change }) => ['put', 'mv', 'cp', 'tier'].includes(change)).map(({ path }) => path)
}

async function doMoved(model: Tiered, real: RealTiers, op: PlainOp): Promise<void> {
  const before = model.tree
  await doOnBoth(model, real, op)
  await bring(model, real, before.after(op) === undefined ? [] : targetsOf(stepsOf(before, op)))
}

const one = anyOp.map((op) => command<Tiered, RealTiers>(op, (model, real) => doMoved(model, real, op)))

const tier = fc.constantFrom('near', 'packs')

const pin = fc.record({ path: anyPath, tier: fc.option(tier, { nil: undefined }) }).map(({ path, tier }) =>
  command<Tiered, RealTiers>({ pin: path, tier }, async (model, real) => {
    const { journal } = real.opened
    const pinned = model.tree.pinned(path, tier)
    const call = tier === undefined ? journal.unpinFromTier(path) : journal.pinToTier(path, tier)
    expect(await codeOf(call)).toBe(pinned instanceof PlainTree ? undefined : pinned)
    if (!(pinned instanceof PlainTree)) return
    const isChange = model.tree.at(path)!.tier !== tier
    model.tree = pinned
    await bring(model, real, isChange ? [path] : [])
  }),
)

const unpin = fc.nat({ max: 2 }).map((nth) =>
  command<Tiered, RealTiers>({ unpin: nth }, async (model, real) => {
    const paths = [...model.tree.rows().keys()].filter((path) => model.tree.at(path)!.tier !== undefined)
    const path = paths[nth]
    if (path === undefined) return
    await real.opened.journal.unpinFromTier(path)
    model.tree = model.tree.pinned(path, undefined) as PlainTree
    expect(real.opened.journal.tierPins().map((one) => one.path)).not.toContain(path)
    await bring(model, real, [path])
  }),
)

const transaction = fc.array(anyStep, { minLength: 2, maxLength: 5 }).map((ops) =>
  command<Tiered, RealTiers>({ transaction: ops }, async (model, real) => {
    const { tree, steps } = await doInTransaction(model, real, ops)
    model.tree = tree
    await bring(model, real, targetsOf(steps))
  }),
)

const list = fc.constant('list').map((what) =>
  command<Tiered, RealTiers>(what, async ({ tree }, { opened: { journal } }) => {
    const paths = [...tree.rows().keys()].toSorted()
    const pins = paths.flatMap((path) => {
      const { tier } = tree.at(path)!
      return tier === undefined ? [] : [{ path, tier, state: 'moved' }]
    })
    expect(journal.tierPins().map(({ path, tier, state }) => ({ path, tier, state }))).toEqual(pins)
    for (const path of paths) expect((await journal.stat(path)).tier).toBe(tree.at(path)!.tier)
  }),
)

/** All blocks at a path, and how many of them, and of their bytes, are near. */
async function sharesOf({ blocks, tiers }: OpenedTiered, cid: CID) {
  const all = [...(await dagOf(blocks, cid))].map(([cid, { bytes }]) => ({ cid, bytes: bytes.length }))
  const near = all.filter((block) => tiers.near.has(block.cid))
  const sum = (some: typeof all) => some.reduce((bytes, block) => bytes + block.bytes, 0)
  return { all, near, blocks: all.length, bytes: sum(all), nearBytes: sum(near) }
}

/** Why nothing can be asked of a path, if so. */
function codeAt(tree: PlainTree, path: string) {
  const tried = tree.pinned(path, undefined)
  return tried instanceof PlainTree ? undefined : tried
}

const where = anyPath.map((path) =>
  command<Tiered, RealTiers>({ where: path }, async (model, real) => {
    const { opened } = real
    const { journal } = opened
    const code = codeAt(model.tree, path)
    if (code !== undefined) {
      expect(await codeOf(journal.tiersOf(path))).toBe(code)
      return
    }
    const cid = await journal.flush(path)
    await bring(model, real, [])
    const { near, blocks, bytes, nearBytes: bytesNear } = await sharesOf(opened, cid)
    expect(await journal.tiersOf(path)).toEqual({
      ...{ cid, blocks, bytes, missing: 0 },
      tiers: [
        { tier: 'near', blocks: near.length, bytes: bytesNear, unknown: 0 },
        { tier: 'packs', blocks, bytes, unknown: 0 },
      ],
    })
  }),
)

const move = fc.record({ path: anyPath, tier }).map(({ path, tier }) =>
  command<Tiered, RealTiers>({ move: path, tier }, async (model, real) => {
    const { opened } = real
    const { journal } = opened
    const code = codeAt(model.tree, path)
    if (code !== undefined) {
      expect(await codeOf(journal.moveTo(path, tier))).toBe(code)
      return
    }
    const cid = await journal.flush(path)
    await bring(model, real, [])
    const { all, near, blocks, bytes } = await sharesOf(opened, cid)
    const refused = tier === 'near' ? all.filter((block) => block.bytes > nearBytes).length : 0
    const there = tier === 'near' ? near.length : blocks
    const moved = blocks - there - refused
    expect(await journal.moveTo(path, tier)).toEqual({
      cid,
      blocks,
      bytes,
      missing: 0,
      refused,
      there,
      moved,
    })
    for (const { cid, bytes } of all) {
      expect(opened.tiers.near.has(cid)).toBe(tier === 'near' && bytes <= nearBytes)
    }
    const cids = (await Promise.all(model.filesAt(path).map((file) => blocksAt(opened, file)))).flat()
    model.near = new Set([
      ...[...model.near].filter((cid) => !cids.includes(cid)),
      ...(tier === 'near' ? cids : []),
    ])
    await areWhereTheyShould(model, opened)
  }),
)

const keep = fc.constantFrom('checkpoint', 'collect', 'open again').map((what) =>
  command<Tiered, RealTiers>(what, async (model, real) => {
    if (what === 'checkpoint') {
      await real.opened.journal.checkpoint()
      await bring(model, real, [])
    } else if (what === 'collect') await real.opened.blocks.collect()
    else {
      await real.opened[Symbol.asyncDispose]()
      real.opened = await openPlain(real.disk)
      model.near = new Set()
      model.folders = new Set()
      await bring(model, real, ['/'])
    }
  }),
)

const some = [one, one, one, one, pin, pin, unpin, transaction, list, where, move, keep]

each('the blocks of files lie where they are pinned and moved to, and nowhere else', async () => {
  await agrees<Tiered, RealTiers>(fc.commands(some, { maxCommands: 40, size: 'max' }), {
    numRuns: 40 * soak,
    open: openPlain,
    begin: doMoved,
    model: () => new Tiered(),
  })
})
