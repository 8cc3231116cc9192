/**
 * What the store does by itself so that there is room: it drops the oldest cache packs, marks, and compacts kept packs
 * that hold much that nobody claims. One thing at a time, in slices.
 */
import { createLock, type Lock, now, type Owner, sleep, type Task } from '@ipfs-kit/concurrency'
import type { Claim, CollectProgress, CollectReport, CompactReport, MarkReport } from './blocks.ts'
import { compactPack } from './compact.ts'
import { type Deleted, deleteUnclaimed } from './delete-unclaimed.ts'
import { diskFailure } from './disk-failure.ts'
import { Evictor, type EvictorCounts } from './evictor.ts'
import { markClaims } from './mark.ts'
import type { Pack } from './pack.ts'
import { rowReader } from './pack-frames.ts'
import { tryTwice } from './read-around.ts'
import { publishMark } from './reports.ts'
import { ended } from './shared-work.ts'
import type { Store } from './store.ts'
import { walkOf } from './store-walk.ts'
import type { VolumeBytes } from './volume.ts'

/** What upkeep needs. */
export interface UpkeepOptions {
  readonly store: Store
  readonly owner: Owner
  readonly packBytes: number
  /** Entries whose index is in memory at most; beyond, packs are answered from their footers. */
  readonly maxIndexedEntries: number
  /** Room that is kept free for what comes. */
  readonly headroomBytes: number
  /** Share of a dropped cache pack that may be appended again because it was read. */
  readonly readmitShare: number
  readonly claims: (() => Iterable<Claim> | AsyncIterable<Claim>) | undefined
  /** Bytes appended between two looks at the volume. */
  readonly volumeEveryBytes: number
  /** What the volume allows for packs; asked now and then. */
  readonly volumeBytes: () => Promise<VolumeBytes>
}

/** Counts since opening. */
export interface UpkeepCounts {
  compactedPacks: number
  copiedBytes: number
}

/** Kept packs with a smaller share of dead bytes are not worth their copying, unless nothing else is left. */
const worthwhileShare = 0.25
const desperateShare = 0.02
/** A collection deletes dead blocks one by one from packs with a smaller dead share, and rewrites the others. */
const collectShare = 1 / 16
const minMarkPauseMs = 20
const sliceMs = 4
/** Blocks that a mark finds between two words of how far it is. */
const toldBlocks = 256

type Tell = (progress: CollectProgress) => void

/** The store's housekeeping. */
export class Upkeep {
  readonly counts: UpkeepCounts = {
    compactedPacks: 0,
    copiedBytes: 0,
  }
  readonly #options: UpkeepOptions
  readonly #evictor: Evictor
  /** Held by whoever marks or compacts. */
  readonly #turn: Lock = createLock({ name: 'upkeep of the store' })
  #tidying: Task<void> | undefined
  /** Payload bytes of each kept pack that nobody claimed in the last complete mark. */
  #unclaimed = new Map<number, number>()
  /** Bytes written to kept packs when the last mark began. */
  #writtenAtMark = 0
  #volumeAt = 0
  /** Bytes in use from which on it is worth to look for headroom again. */
  #nextLook = 0
  /** When a mark may be made for room again: marks take a bounded share of the time. */
  #nextMarkAt = 0
  /** Packs with claimed frames that are damaged or cannot be read: no compaction, until the next mark. */
  readonly #stuck = new Set<Pack>()
  /** Packs none of whose entries is in memory any more. */
  readonly #chilled = new WeakSet<Pack>()

  constructor(options: UpkeepOptions) {
    this.#options = options
    const { store, owner, headroomBytes, packBytes, readmitShare } = options
    this.#evictor = new Evictor({ store, owner, headroomBytes, readmitBytes: packBytes * readmitShare })
  }

  /** Counts of evictions. */
  get evictions(): EvictorCounts {
    return this.#evictor.counts
  }

  /** Payload bytes of kept packs that were replaced, deleted, or unclaimed in the last complete mark. */
  get deadBytes(): number {
    let bytes = 0
    for (const pack of this.#keptPacks()) bytes += this.#deadBytesOf(pack)
    return bytes
  }

  /** To be called when room was taken, or somebody waits for some. */
  look(): void {
    const { room } = this.#options.store.parts
    const volumeDue = Math.abs(room.used - this.#volumeAt) >= this.#options.volumeEveryBytes
    // Once nothing could be freed it is not worth another look before much has come.
    const isShort =
      room.wanted > 0 || (room.free < this.#options.headroomBytes && room.used >= this.#nextLook)
    if (isShort) this.#evictor.begin()
    if (!isShort && !volumeDue && this.#packToChill() === undefined) return
    this.#tidying ??= this.#options.owner.spawn(() => this.#tidy(), { name: 'upkeep' })
  }

  /** Asks the volume how much it allows. */
  async lookAtVolume(): Promise<void> {
    const { room } = this.#options.store.parts
    this.#volumeAt = room.used
    room.setVolume(await this.#options.volumeBytes())
  }

  /** @throws BlocksError BLOCKS_MARK_INCOMPLETE */
  async mark(): Promise<MarkReport> {
    using _turn = await this.#turn.acquire()
    return await this.#mark()
  }

  async compact(minDeadShare: number): Promise<CompactReport> {
    using _turn = await this.#turn.acquire()
    if (this.#options.claims !== undefined) await this.#mark()
    this.#rollIf(minDeadShare)
    await this.#options.store.parts.streams.kept.sealed()
    const report = { packs: 0, copiedBytes: 0, freedBytes: 0 }
    for (const pack of this.#worstPacks(minDeadShare)) {
      const done = await this.#compact(pack)
      if (done === undefined) continue
      report.packs += 1
      report.copiedBytes += done.copiedBytes
      report.freedBytes += done.freedBytes
    }
    return report
  }

  /** @param tell - is told how far it is */
  async collect(tell: Tell): Promise<CollectReport> {
    using _turn = await this.#turn.acquire()
    const { store } = this.#options
    const report = { removedBlocks: 0, removedBytes: 0, freedBytes: 0 }
    const count = (done: Deleted & { readonly freedBytes?: number }): void => {
      report.removedBlocks += done.removedEntries
      report.removedBytes += done.removedBytes
      report.freedBytes += done.freedBytes ?? 0
      tell({ stage: 'removing', blocks: report.removedBlocks, bytes: report.removedBytes })
    }
    // The mark first: if a claim has a hole, nothing is removed at all. It moves what is claimed out of cache packs, but for
    // what may have holes: that moves as these are dropped, so that it needs no more room than one pack.
    if (this.#options.claims !== undefined) await this.#mark(tell)
    for (const done of await this.#evictor.evictAll()) count(done)
    this.#rollIf(collectShare)
    await store.parts.streams.kept.sealed()
    for (const pack of this.#worstPacks(collectShare)) {
      const done = await this.#compact(pack)
      if (done !== undefined) count(done)
    }
    count(await deleteUnclaimed(store, this.#keptPacks()))
    return { ...report, keptBlocks: store.parts.catalog.entries }
  }

  /** Ends what it does by itself. */
  async close(): Promise<void> {
    const task = this.#tidying
    task?.cancel('The store is closed')
    if (task !== undefined) await ended(task)
    await this.#evictor.close()
  }

  async #tidy(): Promise<void> {
    try {
      using _turn = await this.#turn.acquire()
      await this.lookAtVolume()
      await this.#chillSome()
      while (await this.#makeRoom());
    } catch (error) {
      this.#options.store.parts.room.refuse(diskFailure(error, 'make room'))
    } finally {
      this.#tidying = undefined
    }
  }

  /** Lets the oldest packs be answered from their footers, until the index is as small as it should be. */
  async #chillSome(): Promise<void> {
    const { catalog, folder } = this.#options.store.parts
    for (let pack = this.#packToChill(); pack !== undefined; pack = this.#packToChill()) {
      const { footer } = pack
      this.#chilled.add(pack)
      const readRows = rowReader(folder, pack)
      try {
        const rows = await tryTwice(() => readRows(0, footer!.count))
        // Eviction goes on meanwhile. What cannot be read stays in memory.
        if (pack.state !== 'gone' && rows !== undefined) await catalog.chill(pack.slot, rows, readRows)
      } catch (error) {
        if (pack.state !== 'gone') throw error
      }
    }
  }

  #packToChill(): Pack | undefined {
    const { store, maxIndexedEntries } = this.#options
    const { catalog, packs } = store.parts
    if (catalog.indexed <= maxIndexedEntries) return undefined
    let oldest: Pack | undefined
    for (const pack of packs) {
      if (pack?.state !== 'sealed' || pack.footer === undefined || this.#chilled.has(pack)) continue
      if (catalog.isCold(pack.slot)) continue
      if (oldest === undefined || pack.id < oldest.id) oldest = pack
    }
    return oldest
  }

  /** One step towards room. False when there is enough, or nothing more can be done. */
  async #makeRoom(): Promise<boolean> {
    const { claims, store, packBytes } = this.#options
    const { room, streams } = store.parts
    if (!this.#evictor.isShort) return false
    // After a sync that failed no kept pack goes any more, and cache packs still do.
    if (streams.kept.syncFailure !== undefined)
      return (await this.#evictor.makeRoom()) || (await this.#refuse())
    for (const pack of this.#worstPacks(0.5)) if ((await this.#compact(pack)) !== undefined) return true
    if (this.#shouldMark(Math.max(room.limit / 8, packBytes)) && (await this.#tryMark())) return true
    if (await this.#evictor.makeRoom()) return true
    // Who waits for room waits for a mark sooner than for the pause between two, if that can find something.
    const written = store.keptBytesWritten - this.#writtenAtMark
    const marks = this.#shouldMark(0) || (claims !== undefined && room.wanted > 0 && written >= packBytes)
    if (marks && (await this.#tryMark())) return true
    for (const share of [worthwhileShare, desperateShare]) {
      this.#rollIf(share)
      await streams.kept.sealed()
      for (const pack of this.#worstPacks(share)) if ((await this.#compact(pack)) !== undefined) return true
    }
    if (!this.#evictor.isShort) return false
    if (room.wanted > 0 && claims !== undefined && !marks) {
      // What was claimed at the last mark may not be any more: nobody is refused before another one.
      await sleep(Math.max(0, this.#nextMarkAt - now()))
      return true
    }
    return await this.#refuse()
  }

  /** Tells those who wait that nothing can be freed, or why not, unless the volume has room for them by now. False, as nothing was freed. */
  async #refuse(): Promise<false> {
    const { room } = this.#options.store.parts
    // It was asked before all that was tried since, while packs came and went, and others use it too.
    await this.lookAtVolume()
    if (!this.#evictor.isShort) return false
    room.refuse(this.#evictor.failure)
    this.#nextLook = room.used + this.#options.packBytes / 2
    return false
  }

  async #mark(tell: Tell = () => {}): Promise<MarkReport> {
    const { store, claims } = this.#options
    if (claims === undefined) throw new TypeError('A store without claims has nothing to mark by')
    this.#writtenAtMark = store.keptBytesWritten
    this.#stuck.clear()
    store.promotions.begin()
    const found = { blocks: 0, bytes: 0 }
    const walk = walkOf(store)
    const { report, packs: tallies } = await markClaims({
      ...walk,
      claims,
      read: async (cid) => {
        const bytes = await walk.read(cid)
        found.bytes += bytes?.length ?? 0
        return bytes
      },
      lookup: (cid, each) => {
        found.blocks += 1
        if (found.blocks % toldBlocks === 0) tell({ stage: 'marking', ...found })
        return walk.lookup(cid, each)
      },
      settle: () => store.promotions.finish(),
      epochs: store.parts.epochs,
      catalog: store.parts.catalog,
      sliceMs,
    })
    this.#unclaimed = new Map([...tallies].map(([slot, tally]) => [slot, tally.deadBytes]))
    tell({ stage: 'marking', ...found })
    publishMark(report)
    return report
  }

  /** Marks because room is needed. False if that was in vain: then what is claimed is unknown, and nothing is judged. */
  async #tryMark(): Promise<boolean> {
    const from = now()
    try {
      await this.#mark()
      return this.#worstPacks(desperateShare).length > 0
    } catch (error) {
      const { streams } = this.#options.store.parts
      if (streams.kept.syncFailure !== undefined) throw error
      return false
    } finally {
      this.#nextMarkAt = now() + Math.max(minMarkPauseMs, 4 * (now() - from))
    }
  }

  #shouldMark(bytes: number): boolean {
    const { store, claims } = this.#options
    if (claims === undefined || now() < this.#nextMarkAt) return false
    return bytes === 0 || store.keptBytesWritten - this.#writtenAtMark >= bytes
  }

  async #compact(pack: Pack): ReturnType<typeof compactPack> {
    const done = await compactPack(this.#options.store, pack)
    if (done === undefined) {
      this.#stuck.add(pack)
      return undefined
    }
    this.#unclaimed.delete(pack.slot)
    this.counts.compactedPacks += 1
    this.counts.copiedBytes += done.copiedBytes
    return done
  }

  /** Ends the kept pack that takes frames if so much of it is dead: a pack that grows cannot be rewritten. */
  #rollIf(share: number): void {
    const { kept } = this.#options.store.parts.streams
    if (kept.pack !== undefined && this.#deadShareOf(kept.pack) >= share) kept.roll()
  }

  /** Packs that are worth a compaction, the best first. */
  #worstPacks(minDeadShare: number): Pack[] {
    const worst = this.#keptPacks()
      .filter(
        (pack) =>
          pack.state === 'sealed' &&
          !pack.mayHideFrames &&
          !this.#stuck.has(pack) &&
          this.#deadShareOf(pack) >= minDeadShare,
      )
      .sort((left, right) => this.#deadShareOf(right) - this.#deadShareOf(left))
    // Nothing of the oldest one is copied if nothing in it lives: there is nothing that its deletions could stand for.
    const oldest = this.#keptPacks().reduce<Pack | undefined>(
      (a, b) => (a !== undefined && a.id < b.id ? a : b),
      undefined,
    )
    return oldest?.state === 'sealed' && oldest.liveEntries === 0 && !oldest.mayHideFrames
      ? [oldest, ...worst.filter((pack) => pack !== oldest)]
      : worst
  }

  #keptPacks(): Pack[] {
    return this.#options.store.parts.packs
      .filter((pack) => pack !== undefined)
      .filter((pack) => pack.stream === 'kept' && pack.state !== 'gone')
  }

  #deadShareOf(pack: Pack): number {
    return this.#deadBytesOf(pack) / Math.max(1, pack.dataEnd)
  }

  #deadBytesOf(pack: Pack): number {
    return pack.deadBytes + (this.#unclaimed.get(pack.slot) ?? 0)
  }
}
