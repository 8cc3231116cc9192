import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { expect, it } from 'vitest'
import { maxInlineBytes } from '../src/mark-walk.ts'
import { cidOf, Dag, inlineOf, linksOf } from './dag.ts'
import { firstKept } from './plain-catalog.ts'

const cachePack = 3

it('reaches what claims reach, and reports it with what nobody claims', async () => {
  const dag = new Dag()
  const [a, b, lone] = [dag.leaf('aaa'), dag.leaf('b'), dag.leaf('lone')]
  const root = dag.node([a, dag.node([b], 'inner')], 'root')
  const other = dag.node([b, lone], 'other')
  dag.claim(root)
  const { report, packs } = await dag.mark()
  expect([root, a, b, lone, other].map((cid) => dag.isLive(cid))).toEqual([true, true, true, false, false])
  expect(report).toMatchObject({ epoch: 1, claims: 1, missingLeaves: 0, liveBlocks: 4, deadBlocks: 2 })
  const bytes = [...dag.texts.values()].reduce((sum, text) => sum + text.length, 0)
  expect(report.liveBytes + report.deadBytes).toBe(bytes)
  expect([...packs.keys()]).toEqual([firstKept])
})

it('counts each kept pack by itself, and no cache pack', async () => {
  const dag = new Dag()
  dag.claim(dag.leaf('one', firstKept))
  dag.leaf('three', firstKept + 2)
  dag.leaf('cached', cachePack)
  const { packs, report } = await dag.mark()
  expect([...packs]).toEqual([
    [firstKept, { liveEntries: 1, liveBytes: 3, deadEntries: 0, deadBytes: 0 }],
    [firstKept + 2, { liveEntries: 0, liveBytes: 0, deadEntries: 1, deadBytes: 5 }],
  ])
  expect(report).toMatchObject({ liveBlocks: 1, deadBlocks: 1 })
})

it('reads each interior block once and no leaf', async () => {
  const dag = new Dag()
  const shared = dag.node([dag.leaf('a')], 'shared')
  for (let at = 0; at < 20; at += 1) dag.claim(dag.node([shared, shared, dag.leaf(`leaf ${at}`)], `${at}`))
  await dag.mark()
  expect(dag.reads).toBe(21)
})

it.each([
  [0, [true, false, false, false]],
  [1, [true, true, false, false]],
  [2, [true, true, true, false]],
  [3, [true, true, true, true]],
  [1000, [true, true, true, true]],
])('follows a claim of depth %i so many links', async (depth, expected) => {
  const dag = new Dag()
  const leaf = dag.leaf('leaf')
  const low = dag.node([leaf], 'low')
  const middle = dag.node([low], 'middle')
  const root = dag.node([middle], 'root')
  dag.claim(root, depth)
  await dag.mark()
  expect([root, middle, low, leaf].map((cid) => dag.isLive(cid))).toEqual(expected)
  expect(dag.reads).toBe(Math.min(depth, 3))
})

it('counts a block by its smallest depth, whatever claim or link comes first', async () => {
  for (const isReversed of [false, true]) {
    const dag = new Dag()
    const leaf = dag.leaf('leaf')
    const low = dag.node([leaf], 'low')
    const detour = dag.node([low], 'detour')
    const root = dag.node(isReversed ? [low, detour] : [detour, low], 'root')
    dag.claim(root, 2)
    await dag.mark()
    expect(dag.isLive(leaf)).toBe(true)
  }
})

it('follows a whole claim through blocks that a claim with a depth has visited, and the other way round', async () => {
  for (const depths of [
    [undefined, 1],
    [1, undefined],
  ]) {
    const dag = new Dag()
    const leaf = dag.leaf('leaf')
    const root = dag.node([dag.node([dag.node([leaf], 'low')], 'middle')], 'root')
    for (const depth of depths) dag.claim(root, depth)
    await dag.mark()
    expect(dag.isLive(leaf)).toBe(true)
  }
})

it('looks at the same bytes under each codec that leads to them', async () => {
  const dag = new Dag()
  const leaf = dag.leaf('leaf')
  const root = dag.node([leaf], 'root')
  dag.claim(CID.createV1(0x55, root.multihash))
  dag.claim(CID.createV1(0x70, root.multihash))
  await dag.mark({ links: (cid, bytes) => (cid.code === 0x70 ? linksOf(cid, bytes) : []) })
  expect([dag.isLive(root), dag.isLive(leaf)]).toEqual([true, true])
})

it('counts leaves that are missing and goes on', async () => {
  const dag = new Dag()
  const leaf = dag.leaf('here')
  const root = dag.node([cidOf('gone', true), leaf, cidOf('gone too', true)], 'root')
  dag.claim(root)
  dag.claim(cidOf('gone as well', true))
  dag.claim(cidOf('gone root'), 0)
  expect((await dag.mark()).report).toMatchObject({ claims: 3, missingLeaves: 4, liveBlocks: 2 })
})

it.each([
  ['missing', (dag: Dag, cid: CID) => dag.remove(cid)],
  [
    'damaged',
    (dag: Dag, cid: CID) => void (dag.read = (one) => (one.equals(cid) ? undefined : read(dag, one))),
  ],
])('frees nothing and names root and block when an interior block is %s', async (_what, harm) => {
  const dag = new Dag()
  const lone = dag.leaf('lone')
  const inner = dag.node([dag.leaf('leaf')], 'inner')
  const root = dag.node([inner], 'root')
  dag.claim(root)
  await dag.mark()
  const more = dag.leaf('more')
  dag.claim(more)
  harm(dag, inner)
  await expect(dag.mark()).rejects.toMatchObject({
    code: 'BLOCKS_MARK_INCOMPLETE',
    message: expect.stringMatching(new RegExp(`${inner}.*${root}`)),
  })
  expect([dag.isLive(root), dag.isLive(lone), dag.isLive(more)]).toEqual([true, false, true])
  expect(dag.epochs.epoch).toBe(1)
  dag.claimed.clear()
  await dag.mark()
  expect([root, lone, more].map((cid) => dag.isLive(cid))).toEqual([false, false, false])
})

const read = (dag: Dag, cid: CID) => Dag.prototype.read.call(dag, cid)

it('frees nothing when the root of a claim is missing, and says that it is the root', async () => {
  const dag = new Dag()
  const root = cidOf('nowhere')
  dag.claim(root, 2)
  await expect(dag.mark()).rejects.toThrow(`The claimed root ${root} is not here`)
})

it.each([undefined, 5])('keeps what is here of a claim that may have holes (depth %s)', async (depth) => {
  const dag = new Dag()
  const lone = dag.leaf('lone')
  const behind = dag.leaf('behind the hole')
  const hole = dag.node([behind], 'hole')
  const inner = dag.node([dag.leaf('leaf')], 'inner')
  const root = dag.node([hole, inner], 'root')
  dag.remove(hole)
  dag.claimed.set(100, { cid: root, missing: 'skip', ...(depth === undefined ? {} : { depth }) })
  dag.claimed.set(101, { cid: cidOf('nowhere'), missing: 'skip' })
  expect((await dag.mark()).report).toMatchObject({ claims: 2, liveBlocks: 3, deadBlocks: 2 })
  expect([root, inner, lone, behind].map((cid) => dag.isLive(cid))).toEqual([true, true, false, false])
})

it('stops at a hole below a claim that may have none, whoever claims the same before and may', async () => {
  const dag = new Dag()
  const hole = dag.node([], 'hole')
  const root = dag.node([hole], 'root')
  dag.remove(hole)
  dag.claimed.set(1, { cid: root, missing: 'skip' })
  dag.claimed.set(2, { cid: root })
  await expect(dag.mark()).rejects.toMatchObject({ code: 'BLOCKS_MARK_INCOMPLETE' })
})

it('frees nothing when a block has a codec that nobody knows', async () => {
  const dag = new Dag()
  const root = dag.node([], 'root')
  dag.claim(root)
  const unknown = () => {
    throw new Error('no such codec')
  }
  await expect(dag.mark({ links: unknown })).rejects.toMatchObject({
    code: 'BLOCKS_MARK_INCOMPLETE',
    message: expect.stringContaining('no such codec'),
    cause: new Error('no such codec'),
  })
})

it('lets the failure of a claims provider or of a read through, and frees nothing', async () => {
  const dag = new Dag()
  const inner = dag.node([], 'inner')
  dag.claim(dag.node([inner], 'root'))
  const failure = new Error('EIO')
  await expect(dag.mark({ read: () => Promise.reject(failure) })).rejects.toBe(failure)
  const claims = async function* () {
    yield* dag.claimed.values()
    throw failure
  }
  await expect(dag.mark({ claims })).rejects.toBe(failure)
  await expect(dag.mark({ claims: () => [{ cid: inner, depth: Number.NaN }] })).rejects.toThrow(RangeError)
  expect(dag.isLive(inner)).toBe(true)
  expect(dag.epochs).toMatchObject({ epoch: 0, running: false })
})

it('ends the claims that it does not read to their end', async () => {
  const dag = new Dag()
  let isEnded = false
  const claims = function* () {
    try {
      for (;;) yield { cid: cidOf('nowhere') }
    } finally {
      isEnded = true
    }
  }
  await expect(dag.mark({ claims, readAhead: 1 })).rejects.toMatchObject({ code: 'BLOCKS_MARK_INCOMPLETE' })
  expect(isEnded).toBe(true)
})

it('has claimed blocks moved out of cache packs, and what is unclaimed left there', async () => {
  const dag = new Dag()
  const [leaf, lone] = [dag.leaf('leaf', cachePack), dag.leaf('lone', cachePack)]
  const inner = dag.node([leaf], 'inner', cachePack)
  const root = dag.node([inner, leaf], 'root')
  dag.claim(root)
  const { report } = await dag.mark()
  expect(new Set(dag.promoted)).toEqual(new Set([inner, leaf].map(String)))
  expect(report).toMatchObject({ liveBlocks: 3, deadBlocks: 0 })
  expect([inner, leaf, lone].map((cid) => dag.isLive(cid))).toEqual([true, true, false])
})

it('has a claimed leaf moved out of its cache pack that a lease has touched in this mark', async () => {
  const dag = new Dag()
  const leaf = dag.leaf('leaf', cachePack)
  const root = dag.node([leaf], 'root')
  dag.claim(root)
  const era = dag.epochs.leaseOpened()
  const read = (cid: CID) => {
    dag.hold(leaf)
    return dag.read(cid)
  }
  await dag.mark({ read })
  dag.epochs.leaseClosed(era)
  expect(dag.promoted).toEqual([String(leaf)])
})

it('takes a block whose copy in a cache pack is damaged for a missing one', async () => {
  const dag = new Dag()
  const leaf = dag.leaf('leaf', cachePack)
  dag.claim(leaf)
  expect((await dag.mark({ promote: async () => false })).report.missingLeaves).toBe(1)
  dag.claim(dag.node([leaf], 'root', cachePack))
  await expect(dag.mark({ promote: async () => false })).rejects.toMatchObject({
    code: 'BLOCKS_MARK_INCOMPLETE',
  })
})

it('follows blocks that lie in their CIDs, one in the other', async () => {
  const dag = new Dag()
  const leaf = dag.leaf('leaf')
  const inline = inlineOf([inlineOf([leaf]), CID.createV1(0x55, identity.digest(Uint8Array.of(1)))])
  dag.claim(dag.node([inline], 'root'))
  dag.claim(inline, 1)
  const { report } = await dag.mark()
  expect(report).toMatchObject({ liveBlocks: 2, missingLeaves: 0 })
  expect(dag.isMarked(leaf)).toBe(true)
})

it('frees nothing for an inline block that is so long that it could be a bomb', async () => {
  const dag = new Dag()
  dag.claim(inlineOf([], 'x'.repeat(maxInlineBytes)))
  expect((await dag.mark()).report.claims).toBe(1)
  dag.claim(inlineOf([], 'x'.repeat(maxInlineBytes + 1)))
  await expect(dag.mark()).rejects.toMatchObject({
    code: 'BLOCKS_MARK_INCOMPLETE',
    message: expect.stringContaining('inline'),
  })
})

it('waits for look-ups that ask packs', async () => {
  const dag = new Dag()
  const leaves = Array.from({ length: 100 }, (_, at) => dag.leaf(`leaf ${at}`))
  const root = dag.node(leaves, 'root')
  dag.claim(root)
  let most = 0
  let open = 0
  const lookup = async (cid: CID, each: (handle: number) => void) => {
    most = Math.max(most, (open += 1))
    await new Promise((resolve) => setImmediate(resolve))
    open -= 1
    each(dag.catalog.find(Buffer.from(cid.multihash.bytes).toString('latin1'))!)
  }
  const { report } = await dag.mark({ lookup })
  expect(report).toMatchObject({ liveBlocks: 101, missingLeaves: 0 })
  expect(most).toBeGreaterThan(8)
  expect(most).toBeLessThanOrEqual(32)
})

it('reads some interior blocks at once, also of several claims', async () => {
  const dag = new Dag()
  for (let at = 0; at < 20; at += 1) dag.claim(dag.node([], `root ${at}`))
  dag.claim(
    dag.node(
      Array.from({ length: 20 }, (_, at) => dag.node([], `inner ${at}`)),
      'wide',
    ),
  )
  let open = 0
  const seen: number[] = []
  const slow = async (cid: CID) => {
    seen.push((open += 1))
    await new Promise((resolve) => setImmediate(resolve))
    open -= 1
    return dag.read(cid)
  }
  await dag.mark({ read: slow, readAhead: 5 })
  expect(seen).toHaveLength(41)
  expect(Math.max(...seen)).toBe(5)
  expect(seen.filter((count) => count === 1).length).toBeLessThanOrEqual(11)
})
