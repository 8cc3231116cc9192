/**
 * One of the two streams of packs: frames get their place at once, are written together, and are synced together. A
 * pack that is full gets its footer behind the last frame.
 */
import { createEvent, type Event, type Owner, type WaitOptions } from '@ipfs-kit/concurrency'
import { DiskError } from '@ipfs-kit/disk'
import type { Stream } from './blocks.ts'
import { BlocksError } from './errors.ts'
import { footerReserveBytes } from './footer.ts'
import { frameBytes } from './frame.ts'
import { type NewFrame, type OpenBatch, openBatch, Staging } from './frame-batch.ts'
import type { Batch, Pack } from './pack.ts'
import { packHeaderBytes } from './pack-header.ts'
import { diskFailure } from './disk-failure.ts'
import type { PackFolder } from './pack-folder.ts'
import { PackSyncs } from './pack-syncs.ts'

/**
 * So much is gathered at most before it is written, so that the first of many puts does not wait for the last; the frame
 * that fills a batch comes on top. From 4 MiB on the system takes up to three times as long for its page cache (Linux 6, ext4).
 */
const maxBatchBytes = 2 * 1024 * 1024
/** So much may be unsynced in kept packs before a sync begins by itself. */
const syncEveryBytes = 16 * 1024 * 1024

/** Where a frame was put. */
export interface Placed {
  readonly pack: Pack
  readonly offset: number
  readonly batch: Batch
  /** Bytes of room that it took. */
  readonly room: number
}

/** A pack that gets its footer. */
interface Sealing {
  readonly pack: Pack
  readonly done: Event
}

/** What a stream needs of the store. */
export interface PackStreamOptions {
  readonly stream: Stream
  readonly owner: Owner
  readonly folder: PackFolder
  readonly packBytes: number
  /** Makes the pack that follows: known to the store, not yet on the disk. */
  readonly newPack: (stream: Stream) => Pack
  /** Called for each frame that could not be written: nothing may lead to it any more. */
  readonly onLost: (pack: Pack, offset: number, frame: NewFrame) => void
  /** Writes the footer of a pack whose frames are all in its file; {@link sealPack}. */
  readonly seal: (pack: Pack) => Promise<void>
  /** Forgets a pack whose file could not be made. */
  readonly abandon: (pack: Pack) => void
  /** Called once, when a sync has failed. */
  readonly onSyncFailed: () => Promise<void>
}

/** Bytes that a file needs besides its frames: header, trailer, and the end of its last cluster. */
export const packOverheadBytes = packHeaderBytes + footerReserveBytes.fixed + 4096

/** A stream. */
export class PackStream {
  readonly #options: PackStreamOptions
  #pack: Pack | undefined
  #batch: OpenBatch | undefined
  /** What is to be done next, in order. */
  readonly #queue: (OpenBatch | Sealing)[] = []
  #isWriting = false
  #writing: OpenBatch | undefined
  /** Packs that are to get a footer, or are getting it. */
  readonly #sealing = new Set<Sealing>()
  readonly #staging = new Staging()
  readonly #syncs: PackSyncs

  constructor(options: PackStreamOptions) {
    this.#options = options
    const { owner, folder, onSyncFailed } = options
    this.#syncs = new PackSyncs({ owner, folder, written: () => this.written(), onSyncFailed })
  }

  /** The pack that takes the next frame, if there is one. */
  get pack(): Pack | undefined {
    return this.#pack
  }

  get syncs(): number {
    return this.#syncs.count
  }

  get syncFailure(): BlocksError | undefined {
    return this.#syncs.failure
  }

  /** Goes on in a pack that was there at opening. */
  resume(pack: Pack): void {
    this.#pack = pack
  }

  /** Notes a pack whose bytes may be unsynced: one that was found after a crash. */
  found(pack: Pack): void {
    this.#syncs.add(pack, 0)
    this.#syncs.made()
  }

  /** Forgets a pack that is removed. */
  forget(pack: Pack): void {
    this.#syncs.forget(pack)
    if (this.#pack === pack) this.#pack = undefined
  }

  /** Gives a frame its place. The room that it takes at most was taken before. */
  append(frame: NewFrame): Placed {
    const bytes = frameBytes(frame.key.length, frame.payload.length)
    let room = bytes + footerReserveBytes(frame.key.length)
    if (!this.#fits(bytes)) {
      this.roll()
      this.#pack = this.#options.newPack(this.#options.stream)
      this.#pack.dataEnd = packHeaderBytes
      this.#syncs.made()
      room += packOverheadBytes
    }
    const pack = this.#pack!
    const offset = pack.dataEnd
    const batch = this.#batchFor(pack)
    const kept = this.#staging.add(batch, frame, { salt: pack.salt, offset }, bytes)
    pack.dataEnd += bytes
    pack.room += room
    pack.table!.add(frame.high, frame.low, offset, frame.payload.length, frame.kind, frame.key)
    pack.pending.set(offset, { frame: kept, batch })
    batch.offsets.push(offset)
    this.#syncs.add(pack, bytes)
    this.#wake()
    if (this.#options.stream === 'kept' && this.#syncs.unsyncedBytes >= syncEveryBytes) this.#syncs.begin()
    return { pack, offset, batch, room }
  }

  /** Ends the pack that takes frames: the next frame begins another one. */
  roll(): void {
    const pack = this.#pack
    if (pack === undefined) return
    this.#pack = undefined
    this.#endBatch()
    this.#queue.push(this.#askSeal(pack))
    this.#wake()
  }

  /** Resolves when all that was appended so far is written, or has failed. */
  async written(): Promise<void> {
    // What is appended from here on is not waited for: with many who put there would be no end to it.
    const last = this.#batch ?? this.#queue.findLast((next) => 'written' in next) ?? this.#writing
    await last?.written.wait()
  }

  /** The same, and all packs that were rolled have their footers. */
  async sealed(): Promise<void> {
    const asked = [...this.#sealing]
    await this.written()
    for (const { done } of asked) await done.wait()
  }

  /**
   * Resolves when all that was appended so far survives a power loss.
   *
   * @throws BlocksError BLOCKS_SYNC_FAILED, now and ever after
   */
  async sync(options?: WaitOptions): Promise<void> {
    await this.#syncs.sync(options)
  }

  /** Cuts the file of a pack that is to be removed to nothing, for good. @throws BlocksError BLOCKS_SYNC_FAILED; DiskError */
  async empty(pack: Pack): Promise<void> {
    await this.#syncs.empty(pack)
  }

  /** Makes the names of the packs, and that some were removed, survive a power loss. @throws BlocksError BLOCKS_SYNC_FAILED */
  async syncFolder(): Promise<void> {
    await this.#syncs.syncFolder()
  }

  #fits(bytes: number): boolean {
    const pack = this.#pack
    if (pack === undefined) return false
    return pack.dataEnd + bytes <= this.#options.packBytes || pack.dataEnd === packHeaderBytes
  }

  #batchFor(pack: Pack): OpenBatch {
    if (this.#batch === undefined || this.#batch.bytes >= maxBatchBytes) {
      this.#endBatch()
      this.#batch = openBatch(pack)
    }
    return this.#batch
  }

  #endBatch(): void {
    if (this.#batch === undefined) return
    this.#queue.push(this.#batch)
    this.#batch = undefined
  }

  #wake(): void {
    if (this.#isWriting) return
    this.#isWriting = true
    this.#options.owner.spawn(() => this.#runWriter(), { name: 'write packs' })
  }

  async #runWriter(): Promise<void> {
    for (;;) {
      if (this.#queue.length === 0) this.#endBatch()
      const next = this.#queue.shift()
      if (next === undefined) break
      if ('written' in next) {
        this.#writing = next
        await this.#writeBatch(next)
        this.#writing = undefined
      } else this.#beginSeal(next)
    }
    this.#isWriting = false
  }

  async #writeBatch(batch: OpenBatch): Promise<void> {
    const { pack, offsets } = batch
    try {
      if (pack.state === 'gone') throw new BlocksError('BLOCKS_CLOSED', 'The pack was removed')
      // What follows a failed write has no place in the file: it is where the failed bytes should be.
      if (pack.failure !== undefined) throw pack.failure
      const found = this.#options.folder.file(pack)
      const file = found instanceof Promise ? await found : found
      // A pack that goes on after it was closed: its footer must not vouch for frames that it does not know, and what a
      // crash left there must not follow them.
      if (pack.hasTail) {
        await file.truncate(batch.position)
        pack.hasTail = false
        pack.footer = undefined
      }
      if (!file.writeNow(batch.buffers, batch.position)) await file.write(batch.buffers, batch.position)
      pack.writtenEnd = batch.position + batch.bytes
    } catch (cause) {
      pack.failure ??= diskFailure(cause, `write to ${pack.path}`)
      batch.failure = pack.failure
      // The last first, so that a key which was written twice leads to where it led before both.
      for (const offset of offsets.toReversed()) {
        const { frame } = pack.pending.get(offset)!
        pack.lost.set(offset, frame.former)
        this.#options.onLost(pack, offset, frame)
      }
      if (this.#pack === pack) this.roll()
    }
    for (const offset of offsets) pack.pending.delete(offset)
    batch.written.set()
  }

  /** Gives a pack whose frames are all in its file its footer, beside the writing of the next one. */
  seal(pack: Pack): void {
    this.#beginSeal(this.#askSeal(pack))
  }

  #askSeal(pack: Pack): Sealing {
    const sealing = { pack, done: createEvent({ name: 'seal' }) }
    this.#sealing.add(sealing)
    return sealing
  }

  #beginSeal(sealing: Sealing): void {
    const work = async (): Promise<void> => {
      try {
        await this.#seal(sealing.pack)
      } catch (error) {
        // The pack stays without a footer, and is scanned at the next opening. Who flushes is told what failed.
        if (!(error instanceof DiskError || error instanceof BlocksError)) throw error
      } finally {
        this.#sealing.delete(sealing)
        sealing.done.set()
      }
    }
    this.#options.owner.spawn(work, { name: 'seal a pack' })
  }

  /** In a kept pack the footer vouches for the frames, so they are synced before it is written. */
  async #seal(pack: Pack): Promise<void> {
    if (pack.writtenEnd === 0) {
      this.#syncs.forget(pack)
      this.#options.abandon(pack)
      return
    }
    if (pack.stream === 'kept') {
      if (this.#syncs.failure !== undefined) return
      await this.#syncs.syncPack(pack)
    }
    if (pack.state === 'gone') return
    if (pack.footer !== undefined && pack.failure === undefined) {
      // It was opened to take frames, and none came.
      pack.state = 'sealed'
      pack.table = undefined
      return
    }
    await this.#options.seal(pack)
  }
}
