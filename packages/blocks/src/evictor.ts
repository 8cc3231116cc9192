/**
 * Drops the oldest cache packs as long as room is short. Apart from the rest of the upkeep, so that no writer waits for a
 * mark or a compaction while there is something to drop.
 */
import { createLock, type Lock, type Owner, type Task } from '@ipfs-kit/concurrency'
import { diskFailure } from './disk-failure.ts'
import { dropPack } from './drop-pack.ts'
import { type Evicted, evictPack, heldBytesOf } from './evict.ts'
import type { Pack } from './pack.ts'
import { ended } from './shared-work.ts'
import type { Store } from './store.ts'

/** Options of {@link Evictor}. */
export interface EvictorOptions {
  readonly store: Store
  readonly owner: Owner
  /** Room that is kept free for what comes. */
  readonly headroomBytes: number
  /** Payload bytes of a dropped pack that may be appended again because they were read. */
  readonly readmitBytes: number
}

/** Counts since opening. */
export interface EvictorCounts {
  evictedPacks: number
  evictedBytes: number
  readmittedBytes: number
}

/** A share of held bytes from which on packs are not written anew for the sake of the rest. */
const tooMuch = 15 / 16

/** The eviction of a store. */
export class Evictor {
  readonly counts: EvictorCounts = { evictedPacks: 0, evictedBytes: 0, readmittedBytes: 0 }
  readonly #options: EvictorOptions
  /** Held by whoever drops packs: they go strictly in the order of their age. */
  readonly #turn: Lock = createLock({ name: 'eviction' })
  #running: Task<boolean> | undefined
  /** The state in which nearly all of the cache was found to be held, and how much that was. */
  #held: { readonly state: string; readonly bytes: number } | undefined

  constructor(options: EvictorOptions) {
    this.#options = options
  }

  /** Whether less is free than should be, or somebody waits for room. */
  get isShort(): boolean {
    const { room } = this.#options.store.parts
    return room.wanted > 0 || room.free < this.#options.headroomBytes
  }

  /** Begins to drop packs if room is short. */
  begin(): void {
    if (this.isShort) this.#running ??= this.#options.owner.spawn(() => this.#run(), { name: 'evict' })
  }

  /** Drops packs until room is not short any more. False if there is nothing more to drop. */
  async makeRoom(): Promise<boolean> {
    this.begin()
    return (await this.#running?.join()) ?? true
  }

  /** Drops all cache packs but for what leases hold. What is retained moves to kept packs. */
  async evictAll(): Promise<readonly Evicted[]> {
    using _turn = await this.#turn.acquire()
    await this.#removeLeft()
    const { store } = this.#options
    const { cache } = store.parts.streams
    // Whatever was told of them, a collection knows the roots of now.
    store.retention.note()
    cache.roll()
    await cache.sealed()
    const evicted: Evicted[] = []
    for (const pack of this.#packs()) {
      const done = await this.#evict(pack, 0)
      // Newer packs stay as well: what they replace in this one would come back.
      if (done === undefined) break
      evicted.push(done)
    }
    return evicted
  }

  async close(): Promise<void> {
    const task = this.#running
    task?.cancel('The store is closed')
    if (task !== undefined) await ended(task)
  }

  async #run(): Promise<boolean> {
    const { store, readmitBytes } = this.#options
    const { cache } = store.parts.streams
    // Packs in a row that gave no room, since all that was in them is needed, and how many there were before the first of them:
    // once round, and there is no more to gain.
    let vain = 0
    let round = 0
    let trusted = 0
    try {
      using _turn = await this.#turn.acquire()
      await this.#removeLeft()
      while (this.isShort && vain <= round) {
        if (vain === 0) round = this.#packs().length
        if (this.#packs().length === 0) {
          cache.roll()
          await cache.sealed()
        }
        if (trusted === 0) trusted = await this.#packsToDrop()
        const oldest = this.#packs()[0]
        const done =
          trusted === 0 || oldest === undefined ? undefined : await this.#evict(oldest, readmitBytes)
        if (done === undefined) return false
        trusted -= 1
        vain = done.freedBytes - done.takenBytes > done.freedBytes / 16 ? 0 : vain + 1
      }
      return !this.isShort
    } catch (error) {
      store.parts.room.refuse(diskFailure(error, 'make room'))
      return false
    } finally {
      this.#running = undefined
    }
  }

  /**
   * How many packs may be dropped before this is asked again. None if leases hold so much that all of them would be written
   * anew for next to nothing.
   */
  async #packsToDrop(): Promise<number> {
    const { store } = this.#options
    const { epochs, room, streams } = store.parts
    room.noteHeld(0)
    const [oldest] = this.#packs()
    if (oldest === undefined) return 0
    if (epochs.openLeases === 0 || (await heldBytesOf(store, oldest)) < tooMuch * oldest.room) return 1
    if (this.#held?.state !== this.#state()) {
      streams.cache.roll()
      await streams.cache.sealed()
      const state = this.#state()
      const packs = this.#packs()
      let bytes = 0
      for (const pack of packs) bytes += await heldBytesOf(store, pack)
      if (bytes < tooMuch * packs.reduce((sum, pack) => sum + pack.room, 0)) return packs.length
      this.#held = { state, bytes }
    }
    room.noteHeld(this.#held.bytes)
    return 0
  }

  /** As long as it is the same, no held byte has become free. */
  #state(): string {
    const { packs, epochs } = this.#options.store.parts
    const liveBytes = packs.reduce((sum, pack) => sum + (pack?.stream === 'cache' ? pack.liveBytes : 0), 0)
    return `${epochs.heldSince} ${this.#packs().at(-1)?.id} ${liveBytes}`
  }

  /** Removes the files that could not be removed before: newer packs stay until then, as what they replace would come back. */
  async #removeLeft(): Promise<void> {
    const { store } = this.#options
    for (const pack of store.parts.packs) {
      if (pack?.stream !== 'cache' || pack.state !== 'gone') continue
      this.counts.evictedBytes += await dropPack(store, pack)
      this.counts.evictedPacks += 1
    }
  }

  async #evict(pack: Pack, budgetBytes: number): Promise<Evicted | undefined> {
    const done = await evictPack(this.#options.store, pack, budgetBytes)
    if (done === undefined) return undefined
    this.counts.evictedPacks += 1
    this.counts.evictedBytes += done.freedBytes
    this.counts.readmittedBytes += done.readmittedBytes
    return done
  }

  /** The oldest first. */
  #packs(): Pack[] {
    return this.#options.store.parts.packs
      .filter((pack) => pack !== undefined)
      .filter((pack) => pack.stream === 'cache' && pack.state === 'sealed')
      .sort((left, right) => left.id - right.id)
  }
}
