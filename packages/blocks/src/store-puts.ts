/** Putting: a value gets its place unless it is there, and is answered for once it is written. */
import { shield, type WaitOptions } from '@ipfs-kit/concurrency'
import type { Stream } from './blocks.ts'
import { type Handle, none } from './catalog.ts'
import { BlocksError } from './errors.ts'
import { copyBytes } from './frame-batch.ts'
import { damaged, otherKey, type Place } from './frame-reader.ts'
import type { Batch } from './pack.ts'
import { tryTwice } from './read-around.ts'
import { readRaw, readTwice } from './read-value.ts'
import type { Key, Store } from './store.ts'
import { TakenRoom } from './taken-room.ts'

/** How a value is stored. */
export interface StoreOptions extends WaitOptions {
  readonly stream: Stream
  /** Whether a lease puts it. */
  readonly leased: boolean
}

/** Where a key leads, and whether that is what somebody puts. */
interface Found {
  readonly place: Place
  readonly isSame: boolean
}

/** The puts of a store. */
export class Puts {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Stores a block whose bytes match its key, unless it is there. Resolves when it is written.
   *
   * @throws BlocksError BLOCKS_FULL, BLOCKS_TOO_LARGE, BLOCKS_SYNC_FAILED (kept), BLOCKS_IO
   */
  async put(key: Key, payload: Uint8Array, options: StoreOptions): Promise<'new' | 'found'> {
    this.#checkPut(payload, options)
    const taken = new TakenRoom(this.#store.parts.room)
    try {
      for (;;) {
        const version = this.#store.version(key)
        const found = this.#store.lookup.mayBeThere(key)
          ? await this.#find(key, payload, options.leased)
          : undefined
        if (found?.isSame === true && (options.stream === 'cache' || found.place.pack.stream === 'kept')) {
          if (!(await this.#settled(found.place, options))) continue
          this.#store.counts.blocksFound += 1
          return 'found'
        }
        if (!this.#haveRoom(taken, key, payload, found === undefined)) {
          await this.#waitForRoom(taken, key, payload, found === undefined, options)
          continue
        }
        const batch = await this.#write(
          key,
          payload,
          this.#mending(options, found),
          taken,
          found?.place,
          version,
        )
        if (batch === undefined) continue
        await this.#written(batch, payload, options)
        return found?.isSame === true ? 'found' : 'new'
      }
    } finally {
      taken.giveRest()
    }
  }

  /** Stores a record in the place of the one that is there. */
  async replace(key: Key, payload: Uint8Array, options: WaitOptions | undefined): Promise<void> {
    const inCache: StoreOptions = { ...options, stream: 'cache', leased: false }
    this.#checkPut(payload, inCache)
    const taken = new TakenRoom(this.#store.parts.room)
    try {
      for (;;) {
        const version = this.#store.version(key)
        const place = this.#store.lookup.mayBeThere(key) ? await this.#store.lookup.locate(key) : undefined
        if (!this.#haveRoom(taken, key, payload, place === undefined)) {
          await this.#waitForRoom(taken, key, payload, place === undefined, inCache)
          continue
        }
        const batch = await this.#write(key, payload, inCache, taken, place, version)
        if (batch !== undefined) return await this.#written(batch, payload, inCache)
      }
    } finally {
      taken.giveRest()
    }
  }

  /**
   * Takes hold of a block for a lease. Resolves to whether it is there.
   * In the stream `kept` a block of a cache pack moves.
   */
  async hold(key: Key, stream: Stream, options?: WaitOptions): Promise<boolean> {
    const moving: StoreOptions = { ...options, stream, leased: true }
    const taken = new TakenRoom(this.#store.parts.room)
    try {
      for (;;) {
        const version = this.#store.version(key)
        const handle = this.#store.lookup.entry(key)
        const place =
          handle === none ? await this.#store.lookup.withEntry(key, this.#touch) : this.#touch(handle)
        if (place === undefined) return false
        if (stream === 'cache' || place.pack.stream === 'kept') {
          if (await this.#settled(place, options)) return true
          continue
        }
        const payload = await readTwice(this.#store.parts.folder, place, key)
        if (!(payload instanceof Uint8Array)) return await this.#holdAnother(key, moving)
        this.#store.counted(payload)
        this.#checkPut(payload, moving)
        if (!this.#haveRoom(taken, key, payload, false)) {
          await this.#waitForRoom(taken, key, payload, false, moving)
          continue
        }
        const batch = await this.#write(key, payload, moving, taken, place, version)
        if (batch === undefined) continue
        await this.#written(batch, payload, moving)
        return true
      }
    } finally {
      taken.giveRest()
    }
  }

  /** The first entry with the tag of a key leads to another key, to damage, or to nothing any more. */
  async #holdAnother(key: Key, options: StoreOptions): Promise<boolean> {
    const payload = await this.#store.get(key, options)
    if (payload === undefined) return false
    await this.put(key, payload, options)
    return true
  }

  #checkPut(payload: Uint8Array, options: StoreOptions): void {
    this.#store.check(options)
    const { maxValueBytes, streams } = this.#store.parts
    if (payload.length > maxValueBytes) {
      throw new BlocksError(
        'BLOCKS_TOO_LARGE',
        `A value of ${payload.length} bytes; at most ${maxValueBytes} are allowed`,
      )
    }
    const failure = streams[options.stream].syncFailure
    if (failure !== undefined) throw failure
  }

  /** Where a key leads, compared with a payload that matches it. With `leased` it cannot go from here on. */
  async #find(key: Key, payload: Uint8Array, leased: boolean): Promise<Found | undefined> {
    for (const place of await this.#store.lookup.places(key, leased)) {
      // What cannot be read is written anew.
      const content = (await tryTwice(() => readRaw(this.#store.parts.folder, place, key))) ?? damaged
      if (content === otherKey) continue
      return { place, isSame: content !== damaged && Buffer.compare(content, payload) === 0 }
    }
    return undefined
  }

  /** A kept frame that is damaged is replaced in the kept stream, whoever puts the block: at opening kept frames come first. */
  #mending(options: StoreOptions, found: Found | undefined): StoreOptions {
    const { kept } = this.#store.parts.streams
    if (found === undefined || found.isSame || found.place.pack.stream === 'cache') return options
    return kept.syncFailure === undefined ? { ...options, stream: 'kept' } : options
  }

  /** Waits until a frame that was found is in its file. False if it did not get there, or went meanwhile. */
  async #settled(place: Place, options: WaitOptions | undefined): Promise<boolean> {
    const pending = place.pack.pending.get(place.offset)
    if (pending === undefined) return true
    await pending.batch.written.wait({ scope: options?.scope, signal: options?.signal })
    return pending.batch.failure === undefined
  }

  /** Takes the room that a value needs, if it is free. */
  #haveRoom(taken: TakenRoom, key: Key, payload: Uint8Array, isNew: boolean): boolean {
    const bytes = this.#store.roomFor(key.bytes.length, payload.length)
    const { room } = this.#store.parts
    if (isNew && room.isCrowded) {
      taken.giveRest()
      return false
    }
    if (taken.bytes >= bytes) return true
    if (!room.take(bytes)) return false
    taken.bytes += bytes
    return true
  }

  async #waitForRoom(
    taken: TakenRoom,
    key: Key,
    payload: Uint8Array,
    isNew: boolean,
    options: StoreOptions,
  ): Promise<void> {
    const bytes = this.#store.roomFor(key.bytes.length, payload.length)
    await this.#store.parts.room.wait(bytes, isNew, { scope: options.scope, signal: options.signal })
    taken.bytes += bytes
    this.#store.check(options)
  }

  /**
   * Appends a value and lets its key lead there, if nothing has changed under its tag since `version` was asked for. All
   * in one turn, unless the place before is in a pack that is answered from its footer.
   */
  async #write(
    key: Key,
    payload: Uint8Array,
    { stream, leased }: StoreOptions,
    taken: TakenRoom,
    former: Place | undefined,
    version: number,
  ): Promise<Batch | undefined> {
    const { catalog, epochs } = this.#store.parts
    const located =
      former === undefined ? none : catalog.locate(key.high, key.low, former.pack.slot, former.offset)
    const handle = typeof located === 'number' ? located : await located
    if (this.#store.version(key) !== version || (former !== undefined && !catalog.has(handle)))
      return undefined
    this.#store.check(undefined)
    const placed = this.#store.append(key, payload, stream, former)
    taken.bytes -= placed.room
    this.#store.changed(key.low)
    if (former === undefined) {
      catalog.insert({
        high: key.high,
        low: key.low,
        pack: placed.pack.slot,
        offset: placed.offset,
        length: payload.length,
        mark: epochs.freshMark(leased),
        stamp: epochs.freshStamp(leased),
      })
    } else {
      catalog.move(handle, key.high, key.low, placed.pack.slot, placed.offset, payload.length)
      former.pack.lose(former.payloadBytes)
    }
    placed.pack.gain(payload.length)
    taken.giveRest()
    this.#store.parts.onAppended()
    return placed.batch
  }

  async #written(batch: Batch, payload: Uint8Array, { scope, signal }: StoreOptions): Promise<void> {
    // A payload that was not copied is in use until it is written, whoever waits for that.
    if (payload.length > copyBytes) await shield(() => batch.written.wait(), { scope })
    else await batch.written.wait({ scope, signal })
    if (batch.failure !== undefined) throw batch.failure
    this.#store.counts.blocksWritten += 1
    this.#store.counts.bytesWritten += payload.length
  }

  /** A lease takes hold of an entry. */
  readonly #touch = (handle: Handle): Place => {
    this.#store.parts.epochs.touch(handle)
    return this.#store.lookup.placeOf(handle)
  }
}
