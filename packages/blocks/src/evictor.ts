/**
 * Drops the oldest cache packs as long as room is short. Apart from the rest of the upkeep, so that no writer waits for a
 * mark or a compaction while there is something to drop.
 *
 * A pack of which something is retained gives little room and takes long: that is copied to kept packs and synced. So it goes
 * beside others, and as long as somebody waits for room younger packs pass it.
 */
import { createEvent, createLock, type Event, type Lock, type Owner, type Task } from '@ipfs-kit/concurrency'
import { diskFailure } from './disk-failure.ts'
import { dropPack } from './drop-pack.ts'
import { type Evicted, evictPack, heldBytesOf, mayPass } from './evict.ts'
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

/** A pack that goes while younger ones pass it. */
interface Passed {
  readonly pack: Pack
  readonly going: Task<Evicted | undefined>
}

/** A share of held bytes from which on packs are not written anew for the sake of the rest. */
const tooMuch = 15 / 16

/** So much of the quota is for the youngest cache packs: a root may be told of once all that is below it is put. */
const youngShare = 1 / 8

/** The eviction of a store. */
export class Evictor {
  readonly counts: EvictorCounts = { evictedPacks: 0, evictedBytes: 0, readmittedBytes: 0 }
  /** Why it ended the last time, if that was not for lack of packs to drop. */
  failure: Error | undefined
  readonly #options: EvictorOptions
  /** Held by whoever drops packs: they go in the order of their age, but for those that may pass others. */
  readonly #turn: Lock = createLock({ name: 'eviction' })
  #running: Task<boolean> | undefined
  /** The oldest pack, if it goes beside others. */
  #passed: Passed | undefined
  /** Set when that one has gone, and when somebody waits for room. */
  #stirred: Event | undefined
  /** Packs that may pass no older one. What is retained of a pack stays so until the pack is dropped. */
  readonly #staying = new WeakSet<Pack>()
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
    if (this.#options.store.parts.room.wanted > 0) this.#stirred?.set()
  }

  /** Drops packs until room is not short any more. False if there is nothing more to drop. */
  async makeRoom(): Promise<boolean> {
    this.begin()
    return (await this.#running?.join()) ?? true
  }

  /** Drops all cache packs but for what leases hold. What is retained moves to kept packs. */
  async evictAll(): Promise<readonly Evicted[]> {
    using _turn = await this.#turn.acquire()
    await this.#passed?.going.join()
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
    for (const task of [this.#running, this.#passed?.going]) {
      task?.cancel('The store is closed')
      if (task !== undefined) await ended(task)
    }
  }

  async #run(): Promise<boolean> {
    try {
      const isEnough = await this.#dropWhileShort()
      this.failure = undefined
      return isEnough
    } catch (error) {
      this.failure = diskFailure(error, 'make room')
      this.#options.store.parts.room.refuse(this.failure)
      return false
    } finally {
      this.#running = undefined
    }
  }

  async #dropWhileShort(): Promise<boolean> {
    const { cache } = this.#options.store.parts.streams
    // Packs in a row that gave no room, since all that was in them is needed, and how many there were before the first of them:
    // once round, and there is no more to gain.
    let vain = 0
    let round = 0
    let trusted = 0
    using _turn = await this.#turn.acquire()
    while (this.isShort && vain <= round) {
      await this.#removeLeft()
      const passed = this.#passed?.going
      if (vain === 0) round = this.#packs().length
      if (this.#packs().length === 0 && passed === undefined) {
        cache.roll()
        await cache.sealed()
      }
      if (trusted === 0) trusted = await this.#packsToDrop()
      const done = (trusted === 0 ? undefined : await this.#dropNext()) ?? (await passed?.join())
      if (done === undefined) return false
      trusted = Math.max(0, trusted - 1)
      vain = done.freedBytes - done.takenBytes > done.freedBytes / 16 ? 0 : vain + 1
    }
    return !this.isShort
  }

  /** Drops the next pack. `undefined` if none can go. */
  async #dropNext(): Promise<Evicted | undefined> {
    const passed = await this.#passOldest()
    if (passed === undefined) return await this.#evictOldest()
    await this.#goneOrWanted()
    const next = this.#passed === undefined ? undefined : await this.#passing()
    const done = next === undefined ? undefined : await this.#evict(next, this.#options.readmitBytes)
    // What came to nothing beside others may go alone: they may have taken the room that it needs.
    return done ?? (await passed.going.join()) ?? (await this.#evictOldest())
  }

  /** The oldest pack goes beside what is dropped meanwhile. `undefined` if it may go at once. */
  async #passOldest(): Promise<Passed | undefined> {
    if (this.#passed !== undefined) return this.#passed
    const { store } = this.#options
    const [oldest] = this.#packs()
    if (oldest === undefined) return undefined
    await store.retention.find(oldest)
    if (store.retention.isEmpty || (await this.#mayPass(oldest))) return undefined
    return this.#pass(oldest)
  }

  #pass(pack: Pack): Passed {
    const go = async (): Promise<Evicted | undefined> => {
      try {
        return await this.#evict(pack, this.#options.readmitBytes)
      } catch {
        // It stays the oldest, and goes alone when nothing can pass it. Who waits for room then is told what fails.
        return undefined
      } finally {
        this.#passed = undefined
        this.#stirred?.set()
      }
    }
    this.#passed = { pack, going: this.#options.owner.spawn(go, { name: 'evict what is retained' }) }
    return this.#passed
  }

  /** Resolves when the pack that is passed has gone, or when somebody waits for room: nothing younger goes before that. */
  async #goneOrWanted(): Promise<void> {
    while (this.#passed !== undefined && this.#options.store.parts.room.wanted === 0) {
      this.#stirred = createEvent({ name: 'somebody waits for room' })
      await this.#stirred.wait()
    }
  }

  /** The oldest of the packs that may pass others, but for the youngest of all. */
  async #passing(): Promise<Pack | undefined> {
    const { room, packs } = this.#options.store.parts
    let youngerBytes = packs.reduce((sum, pack) => sum + (pack?.stream === 'cache' ? pack.room : 0), 0)
    youngerBytes -= this.#passed?.pack.room ?? 0
    for (const pack of this.#packs()) {
      youngerBytes -= pack.room
      if (youngerBytes < room.limit * youngShare) return undefined
      await this.#options.store.retention.find(pack)
      if (await this.#mayPass(pack)) return pack
    }
    return undefined
  }

  async #mayPass(pack: Pack): Promise<boolean> {
    if (this.#staying.has(pack)) return false
    const may = await mayPass(this.#options.store, pack)
    if (!may) this.#staying.add(pack)
    return may
  }

  async #evictOldest(): Promise<Evicted | undefined> {
    await this.#removeLeft()
    const [oldest] = this.#packs()
    return oldest === undefined ? undefined : await this.#evict(oldest, this.#options.readmitBytes)
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
      if (pack?.stream !== 'cache' || pack.state !== 'gone' || pack === this.#passed?.pack) continue
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

  /** The oldest first, but for the one that goes beside. */
  #packs(): Pack[] {
    return this.#options.store.parts.packs
      .filter((pack) => pack !== undefined)
      .filter((pack) => pack.stream === 'cache' && pack.state === 'sealed' && pack !== this.#passed?.pack)
      .sort((left, right) => left.id - right.id)
  }
}
