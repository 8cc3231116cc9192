/** A shard of a HAMT folder that is being changed: what its block has, and what differs from that. */
import { cidBytesOf } from './block-links.ts'
import { fanout } from './folder-data.ts'
import type { FolderLink } from './folder-link.ts'
import type { Entry, Part, Shard as StoredShard } from './folder-node.ts'
import { LinkRecords } from './link-records.ts'

/** What is at a position: an entry, at the first position that it shares with no other; a shard that was not read; one in memory. */
export type Slot = Entry | Part | HamtShard

/** What the label of a link begins with, by its position. */
const prefixes = Array.from({ length: fanout }, (_, at) => at.toString(16).toUpperCase().padStart(2, '0'))

/** A shard in memory. */
export class HamtShard {
  /** What leads to it as long as nothing in it has changed. The root has none: it is always written. */
  stored: FolderLink | undefined
  readonly #base: StoredShard | undefined
  /** What the block does not have, by position: nothing where something was removed. */
  readonly #own = new Map<number, Slot | undefined>()
  #size: number

  /** Without a base it is empty. The base has the usual fanout. */
  constructor(base: StoredShard | undefined, stored: FolderLink | undefined) {
    this.#base = base
    this.#size = base?.positions.length ?? 0
    this.stored = stored
  }

  /** Taken positions. */
  get size(): number {
    return this.#size
  }

  at(position: number): Slot | undefined {
    return this.#own.has(position) ? this.#own.get(position) : this.#base?.at(position)
  }

  /** Sets what is at a position; `undefined` frees it. Whether that changes the shard says who sets it. */
  set(position: number, slot: Slot | undefined): void {
    const before = this.#own.has(position)
      ? this.#own.get(position) !== undefined
      : this.#base?.positions.includes(position) === true
    this.#size += Number(slot !== undefined) - Number(before)
    this.#own.set(position, slot)
  }

  /** The shards below it that were read or made. */
  *inner(): Generator<HamtShard, void, undefined> {
    for (const slot of this.#own.values()) if (slot instanceof HamtShard) yield slot
  }

  *slots(): Generator<readonly [position: number, slot: Slot], void, undefined> {
    for (const [position, slot] of this.#own) if (slot !== undefined) yield [position, slot]
    for (const slot of this.#base?.slots() ?? [])
      if (!this.#own.has(slot.position)) yield [slot.position, slot]
  }

  /**
   * The block of it, when those of the shards below it that have changed are stored. What has not changed is taken from the block
   * before as it lies there.
   *
   * @param data - the UnixFS data of a shard with these positions
   */
  encode(data: (positions: readonly number[]) => Uint8Array): {
    readonly block: Uint8Array
    readonly dagBytes: number
  } {
    const records = new LinkRecords()
    const positions: number[] = []
    const before = this.#base?.positions ?? []
    let next = 0
    for (const position of [...this.#own.keys()].sort((left, right) => left - right)) {
      const from = next
      while (next < before.length && before[next]! < position) next += 1
      this.#copy(records, positions, from, next)
      if (before[next] === position) next += 1
      const slot = this.#own.get(position)
      if (slot === undefined) continue
      positions.push(position)
      if (slot instanceof HamtShard) addLink(records, position, '', slot.stored!)
      else addLink(records, position, slot.name ?? '', slot.link)
    }
    this.#copy(records, positions, next, before.length)
    return records.end(data(positions))
  }

  /** Adds the links of the base from one on up to another. */
  #copy(records: LinkRecords, positions: number[], from: number, to: number): void {
    if (from === to) return
    const { links, positions: before } = this.#base!
    const copied = links.records(from, to)
    let dagBytes = 0
    for (let at = from; at < to; at += 1) {
      const position = before[at]!
      positions.push(position)
      if (copied !== undefined) dagBytes += links.dagBytes(at)
      else addLink(records, position, links.name(at).slice(prefixes[position]!.length), links.link(at))
    }
    if (copied !== undefined) records.copy(copied, dagBytes)
  }
}

function addLink(records: LinkRecords, position: number, name: string, link: FolderLink): void {
  records.add(prefixes[position]! + name, cidBytesOf(link), link.dagBytes)
}
