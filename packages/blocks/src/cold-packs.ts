/** The packs that are answered from their footers, and handles of their entries. */
import { none, type Handle, type ReadRows } from './catalog.ts'
import { type ColdPack, createColdPack } from './cold-pack.ts'
import type { PackRows } from './footer.ts'
import { tableHandles } from './tag-table.ts'

/** Where the frame of an entry lies. `place` is offset / 8. */
export interface ColdPlace {
  readonly pack: number
  readonly place: number
  readonly length: number
}

/** An entry's pack and row; `undefined` once it is gone. */
export interface ColdRow {
  readonly cold: ColdPack
  readonly row: number
}

/** A handle is `tableHandles + serial of the pack * 2^23 + row`: a pack has less than 2^23 rows, as many as places. */
const rowRange = 0x80_0000
const rememberedPlaces = 4096
const rememberedBytes = 120
const nowhere: ColdPlace = { pack: 0, place: 0, length: 0 }

export type ColdPacks = InstanceType<typeof Packs>

/** No packs. `packId` rises with the time at which a pack was made. */
export function createColdPacks(packId: (pack: number) => number): ColdPacks {
  return new Packs(packId)
}

class Packs {
  /** Changes whenever an entry comes in. */
  #version = 0
  #alive = 0
  #serial = 0
  #newestFirst: ColdPack[] = []
  readonly #packId: (pack: number) => number
  readonly #byPack = new Map<number, ColdPack>()
  readonly #bySerial = new Map<number, ColdPack>()
  /** Of handles that were found lately. */
  readonly #places = new Map<Handle, ColdPlace>()
  #shown: Handle = none
  #shownPlace: ColdPlace = nowhere

  constructor(packId: (pack: number) => number) {
    this.#packId = packId
  }

  get size(): number {
    return this.#byPack.size
  }

  /** Entries that are alive. */
  get alive(): number {
    return this.#alive
  }

  get bytes(): number {
    return this.#newestFirst.reduce((sum, cold) => sum + cold.bytes, this.#places.size * rememberedBytes)
  }

  get newestFirst(): readonly ColdPack[] {
    return this.#newestFirst
  }

  get(pack: number): ColdPack | undefined {
    return this.#byPack.get(pack)
  }

  has(cold: ColdPack): boolean {
    return this.#bySerial.has(cold.serial)
  }

  /** Takes a pack in, none of whose entries is there yet. */
  add(pack: number, rows: PackRows, readRows: ReadRows): ColdPack {
    this.drop(pack)
    const cold = createColdPack(pack, ++this.#serial, rows, readRows)
    this.#byPack.set(pack, cold)
    this.#bySerial.set(cold.serial, cold)
    const id = this.#packId(pack)
    const older = this.#newestFirst.findIndex((other) => this.#packId(other.pack) < id)
    this.#newestFirst = this.#newestFirst.toSpliced(older < 0 ? this.#newestFirst.length : older, 0, cold)
    return cold
  }

  drop(pack: number): void {
    const cold = this.#byPack.get(pack)
    if (cold === undefined) return
    this.#alive -= cold.alive
    this.#byPack.delete(pack)
    this.#bySerial.delete(cold.serial)
    this.#newestFirst = this.#newestFirst.filter((other) => other !== cold)
  }

  /** An entry comes in. */
  revive(cold: ColdPack, row: number, mark: number, stamp: number, flags: number): void {
    cold.revive(row, mark, stamp, flags)
    this.#alive += 1
    this.#version += 1
  }

  /** An entry goes. */
  kill(cold: ColdPack, row: number): void {
    cold.kill(row)
    this.#alive -= 1
  }

  handle(cold: ColdPack, row: number): Handle {
    return tableHandles + cold.serial * rowRange + row
  }

  /** The pack and row of an entry that is there. */
  row(handle: Handle): ColdRow | undefined {
    const number = handle - tableHandles
    const cold = this.#bySerial.get(Math.floor(number / rowRange))
    const row = number % rowRange
    return cold?.isAlive(row) === true ? { cold, row } : undefined
  }

  /** Where an entry lies that was found lately. @throws RangeError if 4,096 others were found since */
  place(handle: Handle): ColdPlace {
    const place = handle === this.#shown ? this.#shownPlace : this.#places.get(handle)
    if (place === undefined) throw new RangeError(`it is no longer known where the entry ${handle} lies`)
    return place
  }

  /** Makes the place of one entry known until the next call. */
  show(handle: Handle, place: ColdPlace): void {
    this.#shown = handle
    this.#shownPlace = place
  }

  #remember(handle: Handle, place: ColdPlace): void {
    this.#places.delete(handle)
    this.#places.set(handle, place)
    if (this.#places.size <= rememberedPlaces) return
    for (const oldest of this.#places.keys()) {
      this.#places.delete(oldest)
      return
    }
  }

  /** Entries with a tag, newest pack first. */
  async find(high: number, low: number): Promise<readonly Handle[]> {
    const looked = new Map<Handle, ColdPlace | undefined>()
    // Rows that come in while others are read are looked for as well: they may have been in memory at the beginning.
    for (let version = -1; version !== this.#version;) {
      version = this.#version
      for (const cold of this.#newestFirst) {
        if (cold.candidate(high, low, 0) >= 0) await this.#look(cold, high, low, looked)
      }
    }
    const found: Handle[] = []
    for (const cold of this.#newestFirst) {
      for (let row = cold.candidate(high, low, 0); row >= 0; row = cold.candidate(high, low, row + 1)) {
        const handle = this.handle(cold, row)
        const place = looked.get(handle)
        if (place === undefined) continue
        this.#remember(handle, place)
        found.push(handle)
      }
    }
    return found
  }

  /** An entry that may have a tag, as far as can be told without reading; {@link none} if there is none. */
  maybe(high: number, low: number): Handle {
    for (const cold of this.#newestFirst) {
      const row = cold.candidate(high, low, 0)
      if (row >= 0) return this.handle(cold, row)
    }
    return none
  }

  /** The entry of a frame in a pack, or {@link none}. */
  async locate(cold: ColdPack, high: number, low: number, place: number): Promise<Handle> {
    const looked = new Map<Handle, ColdPlace | undefined>()
    await this.#look(cold, high, low, looked)
    for (const [handle, at] of looked) {
      if (at?.place !== place || this.row(handle) === undefined) continue
      this.#remember(handle, at)
      return handle
    }
    return none
  }

  /** Reads rows of a pack; `undefined` if it was dropped meanwhile. */
  async readRows(cold: ColdPack, from: number, count: number): Promise<PackRows | undefined> {
    try {
      const rows = await cold.readRows(from, count)
      return this.#bySerial.has(cold.serial) ? rows : undefined
    } catch (error) {
      if (this.#bySerial.has(cold.serial)) throw error
      return undefined
    }
  }

  /** Reads the rows of a pack that may have a tag, and notes where their frames lie if they have it. */
  async #look(
    cold: ColdPack,
    high: number,
    low: number,
    into: Map<Handle, ColdPlace | undefined>,
  ): Promise<void> {
    for (let row = cold.candidate(high, low, 0); row >= 0; row = cold.candidate(high, low, row + 1)) {
      const handle = this.handle(cold, row)
      if (into.has(handle)) continue
      const rows = await this.readRows(cold, row, 1)
      if (rows === undefined) return
      const { numbers } = rows
      const has = numbers[0] === high && numbers[1] === low
      into.set(handle, has ? placeOf(cold, numbers, 0) : undefined)
    }
  }
}

/** Where the frame of a row lies. */
export function placeOf(cold: ColdPack, numbers: Uint32Array, row: number): ColdPlace {
  return { pack: cold.pack, place: numbers[row * 4 + 2]! & 0x7f_ffff, length: numbers[row * 4 + 3]! }
}
