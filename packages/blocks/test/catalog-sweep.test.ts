import { checkpoint, random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { type Catalog, type Handle, none } from '../src/catalog.ts'
import { createCatalog } from '../src/open-catalog.ts'
import { footerOf, type Frame, numbersFrom, rowsOf } from './footers.ts'

const onBoth = forEachBackend(test)
const pick = (below: number) => Math.floor(random() * below)

/** Four packs of entries in memory: `[high, low]` of the entry `at` is `tags[at]`. */
async function filled(count: number, sliceEntries: number) {
  const next = numbersFrom(count)
  const catalog = createCatalog({ sliceEntries })
  const tags = Array.from({ length: count }, () => [next(), next()] as const)
  const packs = [0, 1, 2, 3].map((pack) =>
    tags.flatMap(([high, low], at): Frame[] => (at % 4 === pack ? [[high, low, at * 8, at]] : [])),
  )
  for (const [pack, frames] of packs.entries()) await catalog.absorb(pack, rowsOf(frames), () => true)
  return { catalog, tags, packs }
}

/** As the store looks an entry up. */
async function lookUp(catalog: Catalog, high: number, low: number): Promise<Handle> {
  const handle = catalog.find(high, low)
  if (handle !== none || !catalog.hasCold) return handle
  const [cold] = await catalog.findCold(high, low)
  return cold ?? catalog.find(high, low)
}

test('visits in slices of a bounded number of entries', async () => {
  const { catalog } = await filled(10_000, 100)
  let visits = 0
  const slices: number[] = []
  for await (const _part of catalog.sweep((at) => catalog.setMark(at, (visits += 1) & 3))) slices.push(visits)
  expect(visits).toBe(10_000)
  expect(slices).toEqual(Array.from({ length: 99 }, (_, at) => (at + 1) * 100))
})

test('visits once what stays, while between slices entries come and go and shards grow and shrink', async () => {
  const { catalog, tags } = await filled(4_000, 50)
  const next = numbersFrom(7)
  const visits = new Map<string, number>()
  const strangers: (readonly [number, number])[] = []
  const gone = new Set<string>()
  for await (const _part of catalog.sweep((_, high, low) =>
    visits.set(`${high} ${low}`, (visits.get(`${high} ${low}`) ?? 0) + 1),
  )) {
    for (let at = 0; at < 300; at++) {
      const [high, low] = [next(), next()]
      strangers.push([high, low])
      catalog.insert({ high, low, pack: 9, offset: 0, length: 0, mark: 0, stamp: 0 })
    }
    for (const [high, low] of strangers.splice(0, next() % 500)) catalog.remove(catalog.find(high, low))
    const [high, low] = tags[next() % tags.length]!
    if (gone.has(`${high} ${low}`)) continue
    gone.add(`${high} ${low}`)
    catalog.remove(catalog.find(high, low))
  }
  const staying = tags.map(([high, low]) => `${high} ${low}`).filter((tag) => !gone.has(tag))
  expect(staying.length).toBeGreaterThan(3_800)
  expect(staying.filter((tag) => visits.get(tag) !== 1)).toEqual([])
  expect([...visits.values()].every((count) => count === 1)).toBe(true)
})

onBoth('finds every entry at any moment and visits it once, wherever it moves meanwhile', async () => {
  const { catalog, tags, packs } = await filled(40, 3)
  const visits = new Uint8Array(tags.length)
  const byTag = new Map(tags.map(([high, low], at) => [`${high} ${low}`, at]))
  const moved: Frame[][] = [[], []]
  const pause = () => (random() < 0.5 ? checkpoint() : sleep(pick(4)))
  const chill = async (pack: number, frames: readonly Frame[]) => {
    const rows = rowsOf(frames)
    await catalog.chill(pack, rows, footerOf(rows, pause).readRows)
  }
  let isSweeping = true
  let moves = 0
  await taskGroup((group) => {
    group.spawn(async () => {
      for (const pack of [0, 1]) {
        await pause()
        await chill(pack, packs[pack]!)
      }
      await sleep(pick(6))
      const frames = moved.shift()!
      if (frames.length > 0) await chill(4, frames)
      await chill(2, packs[2]!)
    })
    group.spawn(async () => {
      await sleep(pick(12))
      const visit = (at: Handle, high: number, low: number) => {
        visits[byTag.get(`${high} ${low}`)!]! += 1
        expect(catalog.length(at)).toBe(byTag.get(`${high} ${low}`))
      }
      for await (const _part of catalog.sweep(visit)) await pause()
      isSweeping = false
    })
    for (let mover = 0; mover < 3; mover++) {
      group.spawn(async () => {
        while (isSweeping) {
          const at = pick(tags.length)
          const [high, low] = tags[at]!
          const handle = await lookUp(catalog, high, low)
          expect(handle).not.toBe(none)
          const frames = moved[0]!
          const offset = (1_000 + moves) * 8
          if (random() < 0.5 && catalog.move(handle, high, low, 6 - moved.length, offset, at)) {
            frames.push([high, low, offset, at])
            moves += 1
          }
          await pause()
        }
      })
    }
  })
  expect(catalog.entries).toBe(tags.length)
  expect([...visits]).toEqual(tags.map(() => 1))
  // No trace of the sweep is left: the next one visits all again.
  visits.fill(0)
  for await (const _part of catalog.sweep((_, high, low) => (visits[byTag.get(`${high} ${low}`)!]! += 1)));
  expect([...visits]).toEqual(tags.map(() => 1))
})

test('a sweep that is left early, or overtaken by another, leaves no trace', async () => {
  const { catalog, tags, packs } = await filled(40, 3)
  const rows = rowsOf(packs[0]!)
  await catalog.chill(0, rows, footerOf(rows).readRows)
  const first = catalog.sweep(() => {})
  for (let slice = 0; slice < 5; slice++) await first.next()
  for (const [high, low, offset, length] of packs[0]!) {
    catalog.move(await lookUp(catalog, high, low), high, low, 5, offset, length)
  }
  let visits = 0
  for await (const _part of catalog.sweep(() => (visits += 1)));
  expect(visits).toBe(tags.length)
  await expect(first.next()).rejects.toThrow('another sweep has begun')
  for await (const _part of catalog.sweep(() => {})) break
  visits = 0
  for await (const _part of catalog.sweep(() => (visits += 1)));
  expect(visits).toBe(tags.length)
})

test('chilling that is cancelled at any of its waits leaves every entry in one place, and is finished by a second call', async () => {
  const { cancellations } = await cancelAtEveryStep(async (victim) => {
    const { catalog, tags, packs } = await filled(60, 2)
    const rows = rowsOf(packs[1]!)
    const { readRows } = footerOf(rows)
    await victim(() => catalog.chill(1, rows, readRows))
    expect(catalog.entries).toBe(tags.length)
    await catalog.chill(1, rows, readRows)
    expect(catalog.indexed).toBe(tags.length - rows.count)
    for (const [high, low] of tags) {
      const cold = await catalog.findCold(high, low)
      expect(cold.length + (catalog.find(high, low) === none ? 0 : 1)).toBe(1)
    }
  })
  // 15 rows in slices of 2, and a wait between any two slices.
  expect(cancellations).toBe(7)
})
