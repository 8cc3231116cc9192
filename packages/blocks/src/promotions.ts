/** Moves claimed blocks from cache packs to kept ones: those that a mark has found, and what is retained of a pack that goes. */
import type { Batch, Pack } from './pack.ts'
import type { Key, Store } from './store.ts'

/** Payloads that wait to be written at most. */
const unwrittenBytes = 8 * 1024 * 1024

/** The promotions of a store. */
export class Promotions {
  readonly #store: Store
  /** Writes that no sync has covered yet, and the packs from which they copy. */
  readonly #batches = new Map<Batch, Set<Pack>>()
  /** Why one of the running mark failed. */
  #failure: Error | undefined
  /** Payload bytes since one was waited for. */
  #bytes = 0

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Moves a block without waiting for room: it takes of the reserve. Not synced. Whether it is there.
   *
   * @throws BlocksError BLOCKS_FULL
   */
  async promote(key: Key): Promise<boolean> {
    const { catalog, room } = this.#store.parts
    for (;;) {
      const from = await this.#store.lookup.locate(key)
      if (from === undefined) return false
      if (from.pack.stream === 'kept') return true
      const payload = await this.#store.get(key)
      const located = catalog.locate(key.high, key.low, from.pack.slot, from.offset)
      const still = typeof located === 'number' ? located : await located
      if (!catalog.has(still)) continue
      if (payload === undefined) return false
      const bytes = this.#store.roomFor(key.bytes.length, payload.length)
      if (!room.takeReserve(bytes)) throw room.full(bytes)
      const placed = this.#store.copy(key, payload, from, still, 'kept')
      room.give(bytes - placed.room)
      const writing = this.copied(placed.batch, payload.length, from.pack)
      if (writing !== undefined) await writing
    }
  }

  /** A block was copied. A promise if that has to wait, since many are not written. */
  copied(batch: Batch, payloadBytes: number, from: Pack): void | Promise<void> {
    const packs = this.#batches.get(batch)
    if (packs === undefined) this.#batches.set(batch, new Set([from]))
    else packs.add(from)
    this.#bytes += payloadBytes
    if (this.#bytes < unwrittenBytes) return
    this.#bytes = 0
    return batch.written.wait()
  }

  /** A mark begins: what failed before is no matter of it. */
  begin(): void {
    this.#failure = undefined
  }

  /**
   * Makes durable what was promoted so far, but for what could not be written: that lies in its cache pack still. With a pack
   * nothing is waited for unless something of that one was promoted.
   *
   * @throws BlocksError BLOCKS_SYNC_FAILED
   */
  async settle(from?: Pack): Promise<void> {
    const batches = [...this.#batches.keys()]
    const isSettled = [...this.#batches.values()].every((packs) => from !== undefined && !packs.has(from))
    if (isSettled) return
    await this.#store.parts.streams.kept.sync()
    for (const batch of batches) {
      this.#batches.delete(batch)
      this.#failure ??= batch.failure
    }
  }

  /**
   * The same for the mark that promoted it, which is none if something could not be written.
   *
   * @throws BlocksError BLOCKS_FULL, BLOCKS_IO, BLOCKS_SYNC_FAILED
   */
  async finish(): Promise<void> {
    await this.settle()
    if (this.#failure !== undefined) throw this.#failure
  }
}
