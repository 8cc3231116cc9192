import { random, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { BlocksProgress, Journal } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { NearAndPacks, nearBytes, openTiered, settled } from './near-and-packs.ts'
import { openOn, type Opened } from './open-on.ts'

const each = forEachBackend(test, { seeds: 10 })
const timed = forEachBackend(test, { seeds: 10, only: 'sim' })
const bytes = (text: string) => Buffer.from(text)

/** Blocks at a path that are in memory, of so many. */
async function near(journal: Journal, path: string): Promise<readonly [number, number]> {
  const { tiers, blocks } = await journal.tiersOf(path)
  return [tiers[0]!.blocks, blocks]
}

each('tells where the blocks of a path lie, and moves them', async () => {
  await using opened = await openTiered(simDisk({ seed: 1 }))
  const { journal } = opened
  const content = Buffer.from(Array.from({ length: 250_000 }, (_, at) => at % 251))
  await journal.write('/a/x', content, { parents: true })
  await journal.write('/a/y', bytes('y'))
  await journal.cp('/a/y', '/a/z')
  const before = await journal.tiersOf('/a')
  expect(before.missing).toBe(0)
  expect(before.tiers).toEqual([
    { tier: 'near', blocks: 0, bytes: 0, unknown: 0 },
    { tier: 'packs', blocks: before.blocks, bytes: before.bytes, unknown: 0 },
  ])
  expect(before.bytes).toBeGreaterThan(250_000)
  expect(String(before.cid)).toBe(String((await journal.stat('/a')).cid))

  const progress: BlocksProgress[] = []
  const moved = await journal.moveTo('/a/y', 'near', { onProgress: (one) => progress.push(one) })
  expect(moved).toMatchObject({ blocks: 1, bytes: 1, moved: 1, there: 0, refused: 0, missing: 0 })
  expect(progress).toEqual([{ blocks: 1, bytes: 1 }])
  expect(await journal.moveTo('/a/y', 'near')).toMatchObject({ moved: 0, there: 1 })
  expect(await near(journal, '/a/z')).toEqual([1, 1])
  const all = await journal.moveTo('/a', 'near')
  // What a tier does not take is told.
  expect(all.refused).toBeGreaterThan(0)
  expect(all).toMatchObject({ blocks: before.blocks, bytes: before.bytes, there: 1, missing: 0 })
  expect(await near(journal, '/a')).toEqual([before.blocks - all.refused, before.blocks])
  await journal.moveTo('/a', 'packs')
  expect(await near(journal, '/a')).toEqual([0, before.blocks])
})

each('what is looked through stays until that is over, though it was removed meanwhile', async () => {
  let opened: Opened | undefined
  const tiers = new NearAndPacks(() => opened!.blocks)
  await using another = await openOn(simDisk({ seed: 1 }), { tiers, keepCheckpoints: 1 })
  opened = another
  const { journal, blocks } = another
  await journal.write('/x', Buffer.alloc(3_000_000, 'x'))
  await journal.write('/y', Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => at % 253)))
  const { cid } = await journal.stat('/y')
  await journal.checkpoint()
  tiers.onLocate = async () => {
    tiers.onLocate = undefined
    await journal.rm('/y')
    await journal.checkpoint()
    await blocks.collect()
  }
  expect(await journal.tiersOf('/y')).toMatchObject({ blocks: 4, missing: 0 })
  await blocks.collect()
  expect(await blocks.has(cid!)).toBe(false)
})

each('a pin moves what is there, and what changes bring', async () => {
  await using opened = await openTiered(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/hot/x', bytes('x'), { parents: true })
  await journal.write('/cold/y', bytes('y'), { parents: true })
  await journal.checkpoint()
  await journal.pinToTier('/hot', 'near')
  expect((await journal.stat('/hot')).tier).toBe('near')
  expect(journal.tierPins()).toMatchObject([{ path: '/hot', tier: 'near', refused: 0 }])
  await settled(journal)
  expect(await near(journal, '/hot')).toEqual([2, 2])
  expect(await near(journal, '/cold')).toEqual([0, 2])

  await journal.write('/hot/deep/new', bytes('new'), { parents: true })
  await journal.append('/hot/x', bytes(' and more'))
  await journal.cp('/cold', '/hot/copied')
  {
    await using transaction = journal.begin()
    await transaction.write('/hot/of a transaction', bytes('of a transaction'))
    await transaction.mkdir('/hot/gone')
    await transaction.rm('/hot/gone')
    await transaction.commit()
  }
  await settled(journal)
  for (const path of ['/hot/deep/new', '/hot/x', '/hot/copied', '/hot/of a transaction']) {
    const [there, all] = await near(journal, path)
    expect(there, path).toBe(all)
  }
  // The blocks of its folders are written by a checkpoint.
  await journal.checkpoint()
  await settled(journal)
  const [there, all] = await near(journal, '/hot')
  expect(there).toBe(all)
  expect(all).toBeGreaterThan(6)
})

each('a pin goes with its path, is in no copy, and ends with it', async () => {
  await using opened = await openTiered(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/a/in/x', bytes('x'), { parents: true })
  await journal.pinToTier('/a/in', 'near')
  await journal.cp('/a', '/copy')
  await journal.mv('/a', '/b')
  expect(journal.tierPins().map(({ path }) => path)).toEqual(['/b/in'])
  await journal.write('/b/in/later', bytes('later'))
  await journal.write('/copy/in/later', bytes('not pinned'))
  await settled(journal)
  expect(await near(journal, '/b/in/later')).toEqual([1, 1])
  expect(await near(journal, '/copy/in/later')).toEqual([0, 1])
  await journal.rm('/b', { recursive: true })
  expect(journal.tierPins()).toEqual([])
  await journal.write('/c', bytes('c'))
  await journal.pinToTier('/c', 'near')
  await settled(journal)
  await journal.unpinFromTier('/c')
  expect(await journal.stat('/c')).not.toHaveProperty('tier')
  expect(await near(journal, '/c')).toEqual([1, 1])
  await journal.write('/c', bytes('changed'))
  await journal.write('/d', bytes('d'))
  expect(await near(journal, '/c')).toEqual([0, 1])
})

each('a pin of a folder moves nothing that is not in it any more', async () => {
  await using opened = await openTiered(simDisk({ seed: 1 }))
  const { journal } = opened
  for (const name of ['a/in/x', 'a/gone', 'a/stays/y']) {
    await journal.write(`/${name}`, bytes(name), { parents: true })
  }
  const gone = (await journal.stat('/a/gone')).cid!
  await journal.checkpoint()
  await journal.mv('/a/in', '/b')
  await journal.rm('/a/gone')
  await journal.write('/a/new', bytes('new'))
  await journal.pinToTier('/b', 'packs')
  await settled(journal)
  await journal.pinToTier('/a', 'near')
  await settled(journal)
  expect(await near(journal, '/b/x')).toEqual([0, 1])
  expect(opened.tiers.near.has(gone.toString())).toBe(false)
  expect(await near(journal, '/a/stays')).toEqual([2, 2])
  expect(await near(journal, '/a/new')).toEqual([1, 1])
  await journal.checkpoint()
  await settled(journal)
  expect(await near(journal, '/a')).toEqual([4, 4])
})

each('of a large folder that has changed the shards are moved, too', async () => {
  await using opened = await openTiered(simDisk({ seed: 1 }), { segmentBytes: 4 * 1024 * 1024 })
  const { journal } = opened
  await journal.mkdir('/large')
  {
    await using transaction = journal.begin()
    for (let nth = 0; nth < 400; nth += 1) await transaction.mkdir(`/large/${`${nth}`.padEnd(800, 'n')}`)
    await transaction.commit()
  }
  await journal.checkpoint()
  await journal.mkdir('/large/new')
  await journal.pinToTier('/large', 'near')
  await settled(journal)
  await journal.checkpoint()
  await settled(journal)
  const [there, all] = await near(journal, '/large')
  expect(all).toBeGreaterThan(10)
  expect(there).toBe(all)
})

each('a pin in another one counts there', async () => {
  await using opened = await openTiered(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/a/x', bytes('x'), { parents: true })
  await journal.write('/a/in/y', bytes('y'), { parents: true })
  await journal.pinToTier('/a/in', 'packs')
  await journal.pinToTier('/a', 'near')
  await journal.write('/a/in/z', bytes('z'))
  await journal.checkpoint()
  await settled(journal)
  expect(await near(journal, '/a/in')).toEqual([0, 3])
  expect(await near(journal, '/a')).toEqual([2, 5])
})

each('an opening has the pins of the log and of a checkpoint, and moves what they name again', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openTiered(disk)
    await opened.journal.write('/hot/x', bytes('x'), { parents: true })
    await opened.journal.pinToTier('/hot', 'near')
  }
  {
    await using opened = await openTiered(disk)
    const { journal } = opened
    expect(journal.recovery.changes).toBe(2)
    await settled(journal)
    expect(opened.tiers.near.size).toBe(1)
    await journal.checkpoint()
    await opened.blocks.collect()
  }
  await using opened = await openTiered(disk)
  const { journal } = opened
  expect(journal.recovery.changes).toBe(0)
  expect(journal.tierPins()).toMatchObject([{ path: '/hot', tier: 'near' }])
  await settled(journal)
  expect(await near(journal, '/hot')).toEqual([2, 2])
})

each('what is restored at a pinned path is moved, and pinned still', async () => {
  await using opened = await openTiered(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/hot/x', bytes('first'), { parents: true })
  await journal.snapshot('before')
  await journal.write('/hot/x', bytes('second'))
  await journal.pinToTier('/hot', 'near')
  await settled(journal)
  expect(await near(journal, '/hot/x')).toEqual([1, 1])
  await journal.restore({ snapshot: 'before' }, { path: '/hot' })
  await settled(journal)
  expect(await near(journal, '/hot')).toEqual([2, 2])
  expect(journal.tierPins()).toMatchObject([{ path: '/hot', tier: 'near' }])
})

timed('what a tier fails to take is told, and tried again', async () => {
  await using opened = await openTiered(simDisk({ seed: 1 }))
  const { journal, tiers } = opened
  await journal.write('/hot/x', bytes('x'), { parents: true })
  tiers.failure = new Error('the tier is away')
  await expect(journal.moveTo('/hot', 'near')).rejects.toThrow('the tier is away')
  await journal.pinToTier('/hot', 'near')
  await settled(journal)
  expect(journal.tierPins()).toMatchObject([{ state: 'failed', failure: tiers.failure }])
  await journal.write('/hot/y', bytes('y'))
  tiers.failure = undefined
  await sleep(61_000)
  expect(journal.tierPins()).toMatchObject([{ state: 'moved' }])
  expect(journal.tierPins()[0]).not.toHaveProperty('failure')
  const [there, all] = await near(journal, '/hot')
  expect(there).toBe(all - 1)
})

timed(
  'whenever the power goes, a pin that was answered is there, and what it names is moved',
  async () => {
    const whole = (below: number) => Math.floor(random() * below)
    let disk = simDisk({ seed: whole(2 ** 31), faults: { tearing: 0.3, latencyMs: whole(2) } })
    let pins = new Map<string, string>()
    const paths = ['/f0', '/f1', '/f2']
    {
      await using opened = await openTiered(disk)
      for (const path of paths) await opened.journal.write(path, bytes(path))
    }
    for (let life = 0; life < 5; life += 1) {
      const dying = await openTiered(disk)
      disk.crashAt('any', 1 + whole(60))
      let maybe: Map<string, string> | undefined
      try {
        for (let nth = 0; nth < 20; nth += 1) {
          const path = paths[whole(paths.length)]!
          const tier = ['near', 'packs', undefined][whole(3)]
          const next = new Map(pins)
          if (tier === undefined) next.delete(path)
          else next.set(path, tier)
          maybe = next
          if (tier === undefined) await dying.journal.unpinFromTier(path)
          else await dying.journal.pinToTier(path, tier)
          pins = next
          maybe = undefined
          if (whole(3) === 0) await dying.journal.write(path, bytes(`${path} ${life} ${nth}`))
          if (whole(9) === 0) await dying.journal.checkpoint()
        }
      } catch (error) {
        expect(['JournalError', 'DiskError']).toContain((error as Error).name)
      }
      const next = disk.crash()
      await closeDead(dying)
      disk = next
      await using opened = await openTiered(disk)
      const { journal } = opened
      const found = new Map(journal.tierPins().map(({ path, tier }) => [path, tier]))
      const sorted = (map: ReadonlyMap<string, string>) =>
        [...map].toSorted(([left], [right]) => (left < right ? -1 : 1))
      if (maybe === undefined || String(sorted(maybe)) !== String(sorted(found))) {
        expect(sorted(found)).toEqual(sorted(pins))
      }
      pins = found
      await settled(journal)
      for (const [path, tier] of pins) expect(await near(journal, path)).toEqual([Number(tier === 'near'), 1])
    }
  },
  { seeds: 40 },
)

each('what a tier does not take is counted', async () => {
  await using opened = await openTiered(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.pinToTier('/', 'near')
  await journal.write('/large', Buffer.alloc(nearBytes + 1))
  await settled(journal)
  expect(journal.tierPins()).toMatchObject([{ path: '/', state: 'moved', refused: 1 }])
})

each('tiers that are not there are refused', async () => {
  {
    await using opened = await openTiered(simDisk({ seed: 1 }))
    const { journal } = opened
    await journal.write('/x', bytes('x'))
    const unknown = { code: 'JOURNAL_TIER_UNKNOWN', message: expect.stringContaining('near, packs') }
    await expect(journal.moveTo('/x', 'far')).rejects.toMatchObject(unknown)
    await expect(journal.pinToTier('/x', 'far')).rejects.toMatchObject(unknown)
    await expect(journal.pinToTier('/none', 'near')).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
    await expect(journal.tiersOf('/none')).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
    const reason = new Error('gone')
    await expect(journal.moveTo('/x', 'near', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await journal.close()
    await expect(journal.tiersOf('/x')).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
  }
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  const none = { code: 'JOURNAL_NO_TIERS' }
  await expect(journal.tiersOf('/')).rejects.toMatchObject(none)
  await expect(journal.moveTo('/', 'near')).rejects.toMatchObject(none)
  await expect(journal.pinToTier('/', 'near')).rejects.toMatchObject(none)
  expect(() => journal.tierPins()).toThrow(expect.objectContaining(none) as Error)
})

/** What is dead ends, whatever it says. */
async function closeDead(opened: Opened): Promise<void> {
  try {
    await opened[Symbol.asyncDispose]()
  } catch (error) {
    expect((error as Error).name).toMatch(/^(Wal|Journal|Blocks|Disk|Suppressed)Error$/)
  }
}
