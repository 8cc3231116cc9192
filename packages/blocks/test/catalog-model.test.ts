import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Catalog, type Handle, none } from '../src/catalog.ts'
import { createCatalog } from '../src/open-catalog.ts'
import { type Frame, footerOf, rowsOf } from './footers.ts'

interface Known {
  readonly high: number
  readonly low: number
  readonly length: number
  pack: number
  offset: number
  mark: number
  stamp: number
  flags: number
}

/** Few tags, so that many entries share one, and neighbours of each other, so that clusters are long. */
const tags = [
  0, 1, 0x003f_ffff, 0x0040_0000, 0x8000_0000, 0x8000_0001, 0x8000_0002, 0xffff_fffe, 0xffff_ffff,
].flatMap((high) => [0, 1, 0x1_0000, 0xffff_ffff].map((low) => [high, low] as const))

type Step = readonly [kind: string, pick: number, value: number]

/** A catalog beside a plain list of what it should hold. */
class Beside {
  readonly catalog: Catalog
  known: Known[] = []
  readonly frames = new Map<number, Frame[]>([[0, []]])
  readonly cold = new Set<number>()
  active = 0

  constructor(maxIndexedEntries: number) {
    this.catalog = createCatalog({ maxIndexedEntries, sliceEntries: 3 })
  }

  append(high: number, low: number, length: number): { pack: number; offset: number } {
    const frames = this.frames.get(this.active)!
    const offset = 64 + frames.length * 8
    frames.push([high, low, offset, length])
    return { pack: this.active, offset }
  }

  async handle(entry: Known): Promise<Handle> {
    const found = this.catalog.locate(entry.high, entry.low, entry.pack, entry.offset)
    return typeof found === 'number' ? found : await found
  }

  describe(at: Handle): string {
    const { catalog } = this
    const place = [catalog.pack(at), catalog.offset(at), catalog.length(at)]
    return [...place, catalog.mark(at), catalog.stamp(at), catalog.flags(at)].join(' ')
  }

  async compare(high: number, low: number): Promise<void> {
    const { catalog } = this
    const found: string[] = []
    for (let at = catalog.find(high, low); at !== none; at = catalog.findNext(at, high, low)) {
      found.push(this.describe(at))
    }
    const cold = (await catalog.findCold(high, low)).map((at) => this.describe(at))
    const packs = cold.map((text) => Number(text.split(' ')[0]))
    expect(packs).toEqual(packs.toSorted((a, b) => b - a))
    const expected = this.known.filter((entry) => entry.high === high && entry.low === low)
    expect([...found, ...cold].toSorted()).toEqual(
      expected.map((is) => [is.pack, is.offset, is.length, is.mark, is.stamp, is.flags].join(' ')).toSorted(),
    )
  }

  async sweep(): Promise<void> {
    const seen: string[] = []
    for await (const _part of this.catalog.sweep((at, high, low) =>
      seen.push(`${high} ${low} ${this.describe(at)}`),
    ));
    const expected = this.known.map((is) =>
      [is.high, is.low, is.pack, is.offset, is.length, is.mark, is.stamp, is.flags].join(' '),
    )
    expect(seen.toSorted()).toEqual(expected.toSorted())
  }

  async step([kind, pick, value]: Step): Promise<void> {
    const { catalog } = this
    const entry = this.known[pick % Math.max(1, this.known.length)]
    const [high, low] = tags[pick % tags.length]!
    if (kind === 'insert') {
      const place = this.append(high, low, value)
      const fresh = { high, low, length: value, ...place, mark: value & 3, stamp: value & 0xff, flags: 0 }
      this.known.push(fresh)
      catalog.insert(fresh)
    } else if (kind === 'find') {
      await this.compare(high, low)
    } else if (kind === 'seal') {
      this.active += 1
      this.frames.set(this.active, [])
    } else if (kind === 'chill') {
      const pack = [...this.frames.keys()].find((other) => other < this.active && !this.cold.has(other))
      if (pack === undefined) return
      this.cold.add(pack)
      const rows = rowsOf(this.frames.get(pack)!)
      await catalog.chill(pack, rows, footerOf(rows).readRows)
    } else if (kind === 'drop') {
      const [pack] = this.cold
      if (pack === undefined) return
      this.cold.delete(pack)
      this.frames.delete(pack)
      this.known = this.known.filter((other) => other.pack !== pack)
      catalog.drop(pack)
    } else if (kind === 'sweep') {
      await this.sweep()
    } else if (entry !== undefined) {
      const handle = await this.handle(entry)
      expect(handle).not.toBe(none)
      if (kind === 'remove') {
        this.known.splice(this.known.indexOf(entry), 1)
        catalog.remove(handle)
      } else if (kind === 'move') {
        Object.assign(entry, this.append(entry.high, entry.low, entry.length), { flags: 0 })
        expect(catalog.move(handle, entry.high, entry.low, entry.pack, entry.offset, entry.length)).toBe(true)
      } else if (kind === 'mark') catalog.setMark(handle, (entry.mark = value & 3))
      else if (kind === 'stamp') catalog.setStamp(handle, (entry.stamp = value & 0xff))
      else catalog.setFlags(handle, (entry.flags = value & 3))
    }
    expect(catalog.entries).toBe(this.known.length)
  }

  /** The same entries in a new catalog, as at opening: newest pack first, rows without an entry left out. */
  async reopen(maxIndexedEntries: number): Promise<void> {
    const catalog = createCatalog({ maxIndexedEntries, sliceEntries: 3 })
    for (const [pack, frames] of [...this.frames].toSorted((a, b) => b[0] - a[0])) {
      const rows = rowsOf(frames)
      const admit = (row: number) => {
        const place = rows.numbers[row * 4 + 2]! & 0x7f_ffff
        return this.known.some((is) => is.pack === pack && is.offset === place * 8)
      }
      await catalog.absorb(pack, rows, admit, footerOf(rows).readRows)
      expect(catalog.indexed).toBeLessThanOrEqual(maxIndexedEntries)
    }
    const again = new Beside(1)
    Object.assign(again, { catalog, known: this.known.map((is) => ({ ...is, mark: 0, stamp: 0, flags: 0 })) })
    for (const [high, low] of tags) await again.compare(high, low)
    await again.sweep()
  }
}

const kinds = [
  'insert',
  'insert',
  'insert',
  'find',
  'seal',
  'remove',
  'move',
  'mark',
  'stamp',
  'flags',
  'sweep',
]
const step = (from: readonly string[]) =>
  fc.tuple(fc.constantFrom(...from), fc.nat({ max: 100_000 }), fc.nat({ max: 0xffff_ffff }))

async function follow(steps: readonly Step[]): Promise<void> {
  const beside = new Beside(1_000_000)
  for (const each of steps) await beside.step(each)
  for (const [high, low] of tags) await beside.compare(high, low)
  await beside.sweep()
  await beside.reopen(1_000_000)
  await beside.reopen(Math.max(1, beside.known.length >>> 1))
}

test('in memory it holds what a list would hold', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step(kinds), { maxLength: 150, size: 'max' }), follow), {
    numRuns: 150,
  })
})

test('with packs that are answered from their footers it holds what a list would hold', async () => {
  const all = [...kinds, 'seal', 'chill', 'chill', 'drop']
  await fc.assert(fc.asyncProperty(fc.array(step(all), { maxLength: 150, size: 'max' }), follow), {
    numRuns: 150,
  })
})
