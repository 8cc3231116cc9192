/**
 * One of the two streams of packs: frames get their place at once, are written together, and are synced together. A
 * pack that is full gets its footer behind the last frame.
 */
import { createEvent, type Event, type Owner, type WaitOptions } from '@ipfs-kit/concurrency'
import { DiskError } from '@ipfs-kit/disk'
import type { Stream } from './blocks.ts'
import { BlocksError } from './errors.ts'
import { footerReserveBytes } from './footer.ts'
import {
  frameAlignment,
  frameBytes,
  frameHeaderBytes,
  type FrameKind,
  type FrameSite,
  writeFrameHeader,
} from './frame.ts'
import type { Batch, Former, Pack } from './pack.ts'
import { packHeaderBytes } from './pack-header.ts'
import { diskFailure } from './disk-failure.ts'
import type { PackFolder } from './pack-folder.ts'

/** Payloads up to this size are copied next to their headers; larger ones are handed to the disk as they are. */
export const copyBytes = 16 * 1024
const stagingBytes = 256 * 1024
/** So much is written at once at most, so that the first of many puts does not wait for the last. */
const maxBatchBytes = 4 * 1024 * 1024
/** So much may be unsynced in kept packs before a sync begins by itself. */
const syncEveryBytes = 16 * 1024 * 1024

/** A frame to append. */
export interface NewFrame {
  readonly kind: FrameKind
  readonly key: Uint8Array
  readonly high: number
  readonly low: number
  readonly payload: Uint8Array
  readonly payloadCrc: number | undefined
  /** Where the key led before, so that it can again if this frame is not written. */
  readonly former: Former | undefined
}

/** Where a frame was put. */
export interface Placed {
  readonly pack: Pack
  readonly offset: number
  readonly batch: Batch
  /** Bytes of room that it took. */
  readonly room: number
}

interface OpenBatch extends Batch {
  readonly pack: Pack
  readonly written: Event
  failure: Error | undefined
  readonly position: number
  bytes: number
  readonly buffers: Uint8Array[]
  /** Offsets whose payloads are pending. */
  readonly offsets: number[]
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
  #staging = Buffer.alloc(0)
  #staged = 0
  /** Packs with bytes that no sync has covered. */
  readonly #unsynced = new Set<Pack>()
  /** Packs that were begun, and how many of them a sync of the folder has covered. */
  #packsMade = 0
  #packsInFolder = 0
  #unsyncedBytes = 0
  #round: { readonly done: Event; failure: Error | undefined } | undefined
  #isSyncing = false
  #syncFailure: BlocksError | undefined
  #syncs = 0

  constructor(options: PackStreamOptions) {
    this.#options = options
  }

  /** The pack that takes the next frame, if there is one. */
  get pack(): Pack | undefined {
    return this.#pack
  }

  get syncs(): number {
    return this.#syncs
  }

  get syncFailure(): BlocksError | undefined {
    return this.#syncFailure
  }

  /** Goes on in a pack that was there at opening. */
  resume(pack: Pack): void {
    this.#pack = pack
  }

  /** Notes a pack whose bytes may be unsynced: one that was found after a crash. */
  found(pack: Pack): void {
    this.#unsynced.add(pack)
    this.#packsMade += 1
  }

  /** Forgets a pack that is removed. */
  forget(pack: Pack): void {
    this.#unsynced.delete(pack)
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
      this.#packsMade += 1
      room += packOverheadBytes
    }
    const pack = this.#pack!
    const offset = pack.dataEnd
    const batch = this.#batchFor(pack)
    const kept = this.#write(batch, frame, { salt: pack.salt, offset }, bytes)
    pack.dataEnd += bytes
    pack.room += room
    pack.table!.add(frame.high, frame.low, offset, frame.payload.length, frame.kind, frame.key)
    pack.pending.set(offset, { frame: kept, batch })
    batch.offsets.push(offset)
    this.#unsynced.add(pack)
    this.#unsyncedBytes += bytes
    this.#wake()
    if (this.#options.stream === 'kept' && this.#unsyncedBytes >= syncEveryBytes) this.#beginRound()
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
    if (this.#syncFailure !== undefined) throw this.#syncFailure
    if (this.#unsynced.size === 0 && this.#packsMade === this.#packsInFolder) return
    const round = this.#beginRound()
    await round.done.wait(options)
    if (round.failure !== undefined) throw round.failure
  }

  /** The round that covers what was appended so far: rounds run one after the other, the next one serves all who wait for it. */
  #beginRound(): { readonly done: Event; failure: Error | undefined } {
    this.#unsyncedBytes = 0
    this.#round ??= { done: createEvent({ name: 'sync' }), failure: undefined }
    const round = this.#round
    if (!this.#isSyncing) {
      this.#isSyncing = true
      this.#options.owner.spawn(() => this.#runRounds(), { name: 'sync' })
    }
    return round
  }

  async #runRounds(): Promise<void> {
    for (let round = this.#round; round !== undefined; round = this.#round) {
      this.#round = undefined
      try {
        const made = this.#packsMade
        await this.written()
        await this.#syncAll(made)
      } catch (cause) {
        round.failure = diskFailure(cause, 'sync the packs')
      }
      round.done.set()
    }
    this.#isSyncing = false
  }

  async #syncAll(made: number): Promise<void> {
    if (this.#syncFailure !== undefined) throw this.#syncFailure
    for (const pack of [...this.#unsynced]) await this.#syncPack(pack)
    if (this.#packsInFolder === made) return
    await this.#orFail(() => this.#options.folder.sync())
    this.#packsInFolder = Math.max(this.#packsInFolder, made)
  }

  /** A pack counts as unsynced until a sync has ended that began after its last frame was written. */
  async #syncPack(pack: Pack): Promise<void> {
    // Of a pack whose file could not be made there is nothing to sync.
    if (pack.state === 'gone' || (pack.writtenEnd === 0 && pack.failure !== undefined)) {
      this.#unsynced.delete(pack)
      return
    }
    pack.acquire()
    try {
      const file = await this.#options.folder.file(pack)
      const end = pack.writtenEnd
      await this.#orFail(() => file.sync())
      pack.syncedEnd = Math.max(pack.syncedEnd, end)
      if (pack.dataEnd === end) this.#unsynced.delete(pack)
      this.#syncs += 1
    } finally {
      pack.release()
    }
  }

  /** What was written is in an unknown state after a failure, and a second try would succeed without meaning anything. */
  async #orFail(sync: () => Promise<void>): Promise<void> {
    try {
      await sync()
    } catch (cause) {
      const isFirst = this.#syncFailure === undefined
      this.#syncFailure ??= new BlocksError('BLOCKS_SYNC_FAILED', 'The disk failed to sync the packs', {
        cause,
      })
      if (isFirst) await this.#options.onSyncFailed()
      throw this.#syncFailure
    }
  }

  #fits(bytes: number): boolean {
    const pack = this.#pack
    if (pack === undefined) return false
    return pack.dataEnd + bytes <= this.#options.packBytes || pack.dataEnd === packHeaderBytes
  }

  #batchFor(pack: Pack): OpenBatch {
    const batch = this.#batch
    if (batch !== undefined && batch.bytes < maxBatchBytes) return batch
    this.#endBatch()
    this.#batch = {
      pack,
      written: createEvent({ name: 'write' }),
      failure: undefined,
      position: pack.dataEnd,
      bytes: 0,
      buffers: [],
      offsets: [],
    }
    return this.#batch
  }

  #endBatch(): void {
    if (this.#batch === undefined) return
    this.#queue.push(this.#batch)
    this.#batch = undefined
  }

  /** Adds a frame to a batch. The result holds as little as can be of what belongs to whoever puts it. */
  #write(batch: OpenBatch, frame: NewFrame, site: FrameSite, bytes: number): NewFrame {
    const { key, payload } = frame
    const headBytes = frameHeaderBytes + key.length
    const copied = payload.length <= copyBytes
    const staged = this.#stage(copied ? bytes : headBytes)
    writeFrameHeader(
      staged,
      0,
      { kind: frame.kind, key, payloadBytes: payload.length, payloadCrc: frame.payloadCrc },
      site,
    )
    const ownKey = staged.subarray(frameHeaderBytes, headBytes)
    batch.bytes += bytes
    if (copied) {
      staged.set(payload, headBytes)
      staged.fill(0, headBytes + payload.length)
      this.#push(batch, staged)
      return { ...frame, key: ownKey, payload: staged.subarray(headBytes, headBytes + payload.length) }
    }
    batch.buffers.push(staged, payload)
    const padding = bytes - headBytes - payload.length
    if (padding > 0) batch.buffers.push(zeros.subarray(0, padding))
    return { ...frame, key: ownKey }
  }

  /** Adds a staged piece; one that follows the piece before in memory makes it longer. */
  #push(batch: OpenBatch, piece: Buffer): void {
    const last = batch.buffers.at(-1)
    if (
      last !== undefined &&
      last.buffer === piece.buffer &&
      last.byteOffset + last.length === piece.byteOffset
    ) {
      batch.buffers[batch.buffers.length - 1] = Buffer.from(
        last.buffer as ArrayBuffer,
        last.byteOffset,
        last.length + piece.length,
      )
    } else batch.buffers.push(piece)
  }

  #stage(bytes: number): Buffer {
    if (this.#staged + bytes > this.#staging.length) {
      this.#staging = Buffer.allocUnsafeSlow(Math.max(stagingBytes, bytes))
      this.#staged = 0
    }
    const piece = this.#staging.subarray(this.#staged, this.#staged + bytes)
    this.#staged += bytes
    return piece
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
      this.#unsynced.delete(pack)
      this.#options.abandon(pack)
      return
    }
    if (pack.stream === 'kept') {
      if (this.#syncFailure !== undefined) return
      await this.#syncPack(pack)
    }
    if (pack.state === 'gone') return
    if (pack.footer !== undefined) {
      // It was opened to take frames, and none came.
      pack.state = 'sealed'
      pack.table = undefined
      return
    }
    await this.#options.seal(pack)
  }
}

const zeros = Buffer.alloc(frameAlignment)
