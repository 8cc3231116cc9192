/** The core of the store: keys lead to frames. Everything that changes where a key leads happens here, in one turn each. */
import { crc32 } from 'node:zlib'
import { createLock, type Lock, type WaitOptions } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import type { Stream } from './blocks.ts'
import { type Catalog, entryFlags, type Handle, none } from './catalog.ts'
import type { Epochs } from './epochs.ts'
import { BlocksError } from './errors.ts'
import { footerReserveBytes } from './footer.ts'
import { frameBytes, frameKinds, maxKeyBytes } from './frame.ts'
import { damaged, type Place } from './frame-reader.ts'
import type { Pack } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import type { NewFrame } from './frame-batch.ts'
import { packOverheadBytes, type PackStream, type Placed } from './pack-stream.ts'
import { Promotions } from './promotions.ts'
import { readTwice, readVerified } from './read-value.ts'
import { Retention, type Retained } from './retention.ts'
import { Lookup } from './store-lookup.ts'
import { Puts } from './store-puts.ts'
import { publishDamage } from './reports.ts'
import type { Room } from './room.ts'
import type { Tagger } from './tags.ts'

/** What can be under a key: a block under a multihash, or a record under any name. */
export type ValueKind = typeof frameKinds.block | typeof frameKinds.record

/** A key with its tag. */
export interface Key {
  readonly kind: ValueKind
  readonly bytes: Uint8Array
  readonly high: number
  readonly low: number
}

/** Counts since opening. */
export interface StoreCounts {
  blocksRead: number
  bytesRead: number
  blocksWritten: number
  bytesWritten: number
  blocksFound: number
  corruptReads: number
}

/** The parts of a store. */
export interface StoreParts {
  readonly folder: PackFolder
  readonly catalog: Catalog
  readonly epochs: Epochs
  readonly room: Room
  readonly tagger: Tagger
  /** Packs by their place; holes are free places. */
  readonly packs: (Pack | undefined)[]
  /** The lowest number of a kept pack that could not be read, and may be another time: what is in it is not known. */
  readonly leastStrangeId: number
  readonly streams: Readonly<Record<Stream, PackStream>>
  readonly maxValueBytes: number
  /** What a block links to. */
  readonly links: (cid: CID, bytes: Uint8Array) => Iterable<CID>
  readonly retained: Retained | undefined
  /** Called after a frame was appended. */
  readonly onAppended: () => void
}

/** The core. */
export class Store {
  readonly parts: StoreParts
  readonly lookup: Lookup
  readonly promotions = new Promotions(this)
  readonly puts = new Puts(this)
  readonly retention: Retention
  /** Held by whoever copies what lives of a pack to the kept stream: the reserve has room for one. */
  readonly copying: Lock = createLock({ name: 'copying of a pack' })
  readonly counts: StoreCounts = {
    blocksRead: 0,
    bytesRead: 0,
    blocksWritten: 0,
    bytesWritten: 0,
    blocksFound: 0,
    corruptReads: 0,
  }
  /** Bytes of frames that went to kept packs since opening. */
  keptBytesWritten = 0
  /** Counters of changes, one for many tags. */
  readonly #versions = new Uint32Array(versionCount)
  #closed = false

  constructor(parts: StoreParts) {
    this.parts = parts
    this.lookup = new Lookup(parts)
    this.retention = new Retention(this)
  }

  /** No call begins any more. */
  close(): void {
    this.#closed = true
  }

  /** @throws BlocksError BLOCKS_CLOSED, or the reason of the signal */
  check(options: WaitOptions | undefined): void {
    if (this.#closed) throw new BlocksError('BLOCKS_CLOSED', 'The store is closed')
    options?.signal?.throwIfAborted()
  }

  blockKey(cid: CID): Key {
    const { tagger } = this.parts
    const { bytes } = cid.multihash
    tagger.block(bytes)
    return { kind: frameKinds.block, bytes, high: tagger.high, low: tagger.low }
  }

  recordKey(name: string): Key {
    if (typeof name !== 'string' || name === '')
      throw new TypeError('The key of a record is a string that is not empty')
    const { tagger } = this.parts
    const bytes = Buffer.from(name, 'utf8')
    if (bytes.length > maxKeyBytes) {
      throw new BlocksError(
        'BLOCKS_TOO_LARGE',
        `A key of ${bytes.length} bytes; at most ${maxKeyBytes} are allowed`,
      )
    }
    tagger.record(bytes)
    return { kind: frameKinds.record, bytes, high: tagger.high, low: tagger.low }
  }

  /** The payload under a key, verified; a mismatch is reported and a miss. */
  async get(key: Key, options?: WaitOptions): Promise<Uint8Array | undefined> {
    this.check(options)
    const { catalog } = this.parts
    const handle = catalog.find(key.high, key.low)
    if (handle === none) {
      if (!catalog.hasCold) return undefined
    } else if (catalog.findNext(handle, key.high, key.low) === none) {
      // The usual case: one entry with this tag.
      if ((catalog.flags(handle) & entryFlags.damaged) !== 0) return undefined
      const place = this.lookup.placeOf(handle)
      this.noteRead(handle, place)
      const content = await readVerified(this.parts.folder, place, key)
      if (content !== undefined) {
        options?.signal?.throwIfAborted()
        return this.counted(content)
      }
    }
    return this.#getSlowly(key, options)
  }

  /** Nothing leads to a frame any more. */
  forget(handle: Handle, { pack, payloadBytes }: Place, low: number): void {
    this.parts.catalog.remove(handle)
    this.changed(low)
    pack.lose(payloadBytes)
    this.parts.room.entryGone()
  }

  /**
   * Appends a copy of a frame to a stream, and lets its entry lead there. The room was taken before: {@link roomFor}.
   */
  copy(key: Key, payload: Uint8Array, from: Place, handle: Handle, stream: Stream): Placed {
    const placed = this.append(key, payload, stream, from)
    this.parts.catalog.move(handle, key.high, key.low, placed.pack.slot, placed.offset, payload.length)
    this.changed(key.low)
    from.pack.lose(payload.length)
    placed.pack.gain(payload.length)
    return placed
  }

  /** Says in a stream that a key's frames before are deleted. @throws BlocksError BLOCKS_FULL */
  takeAndAppendGone(stream: Stream, key: Key): Placed {
    const { room } = this.parts
    const bytes = this.roomFor(key.bytes.length, 0)
    if (!room.takeReserve(bytes)) throw room.full(bytes)
    const placed = this.appendGone(stream, key)
    room.give(bytes - placed.room)
    return placed
  }

  /** The same with room that was taken before. */
  appendGone(stream: Stream, key: Key): Placed {
    return this.parts.streams[stream].append({
      kind: key.kind === frameKinds.block ? frameKinds.goneBlock : frameKinds.goneRecord,
      key: key.bytes,
      high: key.high,
      low: key.low,
      payload: nothing,
      payloadCrc: undefined,
      former: undefined,
    })
  }

  /** Lets an entry lead to a frame of another pack that has the same key and payload. */
  lead(
    handle: Handle,
    row: {
      readonly high: number
      readonly low: number
      readonly offset: number
      readonly payloadBytes: number
    },
    from: Pack,
    to: Pack,
  ): void {
    this.parts.catalog.move(handle, row.high, row.low, to.slot, row.offset, row.payloadBytes)
    this.changed(row.low)
    from.lose(row.payloadBytes)
    to.gain(row.payloadBytes)
  }

  /** Room that a frame takes at most, wherever it goes. */
  roomFor(keyBytes: number, payloadBytes: number): number {
    return frameBytes(keyBytes, payloadBytes) + footerReserveBytes(keyBytes) + packOverheadBytes
  }

  /** A frame could not be written: its key leads to where it led before, if that is still there. */
  lost(pack: Pack, offset: number, frame: NewFrame): void {
    const { catalog } = this.parts
    const handle = catalog.locate(frame.high, frame.low, pack.slot, offset)
    // The frames of an open pack are in memory.
    if (typeof handle !== 'number' || handle === none) return
    pack.lose(frame.payload.length)
    this.changed(frame.low)
    let { former } = frame
    // What it led to before may not have been written either.
    while (former !== undefined && former.offset >= former.pack.writtenEnd) {
      former = former.pack.lost.get(former.offset) ?? former.pack.pending.get(former.offset)?.frame.former
    }
    if (former === undefined || former.pack.state === 'gone') return catalog.remove(handle)
    catalog.move(handle, frame.high, frame.low, former.pack.slot, former.offset, former.payloadBytes)
    former.pack.gain(former.payloadBytes)
    // It may have been retained, which nothing tells any more: then it has to be kept by another try.
    const mayBeRetained = pack.stream === 'kept' && former.pack.stream === 'cache'
    if (mayBeRetained && this.parts.retained !== undefined) this.retention.retain(handle)
  }

  /** Notes that a block was asked for: a cache pack takes it along when it is dropped. */
  noteRead(handle: Handle, { pack }: Place): void {
    const { catalog } = this.parts
    if (pack.stream === 'cache') catalog.setFlags(handle, catalog.flags(handle) | entryFlags.read)
  }

  /** Notes that a frame is not what its key says: a miss from now on. */
  async reportDamage(key: Key, place: Place): Promise<void> {
    const { catalog } = this.parts
    const located = catalog.locate(key.high, key.low, place.pack.slot, place.offset)
    const handle = typeof located === 'number' ? located : await located
    if (!catalog.has(handle)) return
    catalog.setFlags(handle, catalog.flags(handle) | entryFlags.damaged)
    this.counts.corruptReads += 1
    publishDamage(key, place)
  }

  /** Changes whenever an entry with this tag is added, moved or removed; and with some others. */
  version(key: Key): number {
    return this.#versions[key.low & (versionCount - 1)]!
  }

  /** Changes {@link version}. */
  changed(low: number): void {
    this.#versions[low & (versionCount - 1)]! += 1
  }

  /** The same for all that led to a pack, of which nobody can tell the tags. */
  forgetAll(pack: Pack): void {
    this.parts.catalog.drop(pack.slot)
    for (let low = 0; low < versionCount; low += 1) this.changed(low)
    this.parts.room.entryGone()
  }

  /** Appends a frame. The room was taken before: {@link roomFor}. */
  append(key: Key, payload: Uint8Array, stream: Stream, former: Place | undefined): Placed {
    if (stream === 'kept') this.keptBytesWritten += payload.length
    return this.parts.streams[stream].append({
      kind: key.kind,
      key: key.bytes,
      high: key.high,
      low: key.low,
      payload,
      payloadCrc: key.kind === frameKinds.record ? crc32(payload) : undefined,
      former,
    })
  }

  async #getSlowly(key: Key, options: WaitOptions | undefined): Promise<Uint8Array | undefined> {
    for (const place of await this.lookup.places(key)) {
      const located = this.parts.catalog.locate(key.high, key.low, place.pack.slot, place.offset)
      const handle = typeof located === 'number' ? located : await located
      // It moved meanwhile.
      if (!this.parts.catalog.has(handle)) return this.get(key, options)
      if ((this.parts.catalog.flags(handle) & entryFlags.damaged) !== 0) continue
      this.noteRead(handle, place)
      const content = await readTwice(this.parts.folder, place, key)
      options?.signal?.throwIfAborted()
      if (content instanceof Uint8Array) return this.counted(content)
      if (content === damaged) {
        if (place.pack.state === 'gone') return this.get(key, options)
        await this.reportDamage(key, place)
      }
    }
    return undefined
  }

  /** A block that was read, and is counted as that. */
  counted(content: Uint8Array): Uint8Array {
    this.counts.blocksRead += 1
    this.counts.bytesRead += content.length
    return content
  }
}

const versionCount = 4096
const nothing = new Uint8Array(0)
