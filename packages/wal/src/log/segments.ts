/** The segments of an open log: the one that takes frames, those before it, and the next. Its calls that wait run one at a time. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { Disk, DiskFile } from '@ipfs-kit/disk'
import { diskFailure } from '../disk-failure.ts'
import { WalError } from '../errors.ts'
import type { FrameSite } from './frame.ts'
import { NextSegment, nextName } from './next-segment.ts'
import type { Recovered } from './recovery.ts'
import { publishStop } from '../reports.ts'
import {
  encodeSegmentHeader,
  type Segment,
  segmentHeaderBytes,
  segmentName,
  type SegmentName,
} from './segment.ts'
import { syncOrNote } from './unsynced.ts'

/** What the segments need of the log. */
export interface SegmentsOptions {
  readonly disk: Disk
  readonly folder: string
  readonly owner: Owner
  readonly segmentBytes: number
  readonly newId: () => bigint
  readonly found: Recovered
}

/** The segments. */
export class Segments {
  readonly #options: SegmentsOptions
  readonly #next: NextSegment
  /** In order. What each of them publishes is what was acknowledged. */
  readonly all: Segment[]
  #file: DiskFile | undefined
  /** Where the next frame goes, and with which LSN. */
  #offset = 0
  #nextLsn: number
  #durableLsn: number
  #durableOffset = 0
  #syncs = 0
  /** Why a sync at once was refused. */
  #refusal: { readonly cause: unknown } | undefined
  #failure: WalError | undefined
  /** The last name that was given, also if no segment came of it. */
  #newest: SegmentName | undefined
  lastFailure: WalError | undefined

  constructor(options: SegmentsOptions) {
    this.#options = options
    const { disk, folder, owner, segmentBytes, found } = options
    this.all = found.segments
    this.#newest = found.newest
    this.#nextLsn = found.nextLsn
    this.#durableLsn = found.nextLsn - 1
    this.#next = new NextSegment({
      disk,
      folder,
      owner,
      segmentBytes,
      sync: (file) => this.#syncOrStop(() => file.sync()),
      onFailed: (cause) => this.failed(cause, 'make the next segment'),
    })
  }

  /** Why nothing can be synced any more. */
  get failure(): WalError | undefined {
    return this.#failure
  }

  get nextLsn(): number {
    return this.#nextLsn
  }

  get durableLsn(): number {
    return this.#durableLsn
  }

  /** Whether all that was acknowledged survives a power loss. */
  get isDurable(): boolean {
    return this.all.at(-1)!.lastLsn <= this.#durableLsn
  }

  /** Bytes of frames that no sync has covered. */
  get unsyncedBytes(): number {
    return this.#offset - this.#durableOffset
  }

  get syncs(): number {
    return this.#syncs
  }

  get bytes(): number {
    return this.all.reduce((sum, { size }) => sum + size, 0)
  }

  /** Goes on in the last segment that was found, or begins one. @throws DiskError; WalError */
  async open(): Promise<void> {
    const { disk, folder, found } = this.#options
    const last = this.all.at(-1)
    if (last === undefined || found.isEnded) await this.#begin()
    else {
      this.#file = await disk.open(`${folder}/${last.name}`, 'write')
      this.#offset = last.end
      this.#durableOffset = last.end
    }
    for (const { name } of found.empty) await disk.unlink(`${folder}/${name}`)
  }

  /** Whether a frame fits into the segment that takes them. */
  fits(bytes: number): boolean {
    return this.#offset + bytes <= this.all.at(-1)!.size
  }

  /** Ends the segment that takes frames, and begins the next. @throws DiskError; WalError WAL_SYNC_FAILED */
  async roll(): Promise<void> {
    await this.sync()
    await this.#begin()
  }

  /** Where the next frame goes. */
  get site(): FrameSite {
    return { segmentId: this.all.at(-1)!.id, offset: this.#offset, firstLsn: this.#nextLsn }
  }

  /** Writes a frame there. After one that failed the next one takes its place. @throws DiskError */
  async write(frame: Buffer, records: number): Promise<void> {
    await this.#file!.write([frame], this.#offset)
    this.#wrote(frame, records)
  }

  /** The same, at once. False, and nothing is written, if the disk wants it to be waited for. @throws DiskError */
  writeNow(frame: Buffer, records: number): boolean {
    if (!this.#file!.writeNow([frame], this.#offset)) return false
    this.#wrote(frame, records)
    return true
  }

  /** Lets readers see what was written so far. */
  publish(): void {
    const last = this.all.at(-1)!
    last.end = this.#offset
    last.lastLsn = this.#nextLsn - 1
    // The disk has nothing to do now, while those who wait are answered.
    this.#next.advance(this.#offset)
  }

  /** Makes what was written survive a power loss. @throws WalError WAL_SYNC_FAILED, now and ever after */
  async sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#durableLsn === this.#nextLsn - 1) return
    const file = this.#file!
    await this.#syncOrStop(async () => {
      if (this.#refusal !== undefined) throw this.#refusal.cause
      await file.sync()
    })
    this.#synced()
  }

  /** The same, at once. False if it is to be waited for: then call {@link sync}. */
  syncNow(): boolean {
    if (this.#failure !== undefined) return false
    try {
      if (!this.#file!.syncNow()) return false
    } catch (cause) {
      // It is not tried again: `sync` fails with this.
      this.#refusal = { cause }
      return false
    }
    this.#syncs += 1
    this.#synced()
    return true
  }

  /** Removes segments below an LSN, the oldest first; how many. @throws DiskError; WalError WAL_SYNC_FAILED */
  async drop(lsn: number): Promise<number> {
    const { disk, folder } = this.#options
    await this.sync()
    const newest = this.all.findLast(({ firstLsn, lastLsn }) => lastLsn >= firstLsn)
    let dropped = 0
    for (;;) {
      const [oldest, following] = this.all
      if (oldest === newest || oldest === undefined || following === undefined) return dropped
      // Not by its last one: what is damaged at its end stays as long as records with these LSNs would.
      if (following.firstLsn > lsn) return dropped
      // First from the list: who finds no file any more is told that it was dropped.
      this.all.shift()
      try {
        await disk.unlink(`${folder}/${oldest.name}`)
      } catch (error) {
        this.all.unshift(oldest)
        throw error
      }
      dropped += 1
      // One after the other, so that no segment comes back without those behind it.
      await this.#syncOrStop(() => disk.syncFolder(folder), oldest.name)
    }
  }

  /** Notes what went wrong; gives the log's error for it. */
  failed(cause: unknown, what: string): Error {
    const failure = diskFailure(cause, what)
    if (failure instanceof WalError) this.lastFailure = failure
    return failure
  }

  /** Closes the files. Syncs nothing. */
  async close(): Promise<void> {
    await this.#next.close()
    await this.#file?.close()
  }

  /** Begins a segment: its name is there for good before the first frame is. */
  async #begin(): Promise<void> {
    const { disk, folder, newId } = this.#options
    const file = await this.#next.take()
    try {
      const named = this.#newest
      // Of segments with one first LSN the last has the highest id: by their names it is the one that counts.
      const id = named?.firstLsn === this.#nextLsn ? named.id + 1n : newId()
      const name = segmentName(this.#nextLsn, id)
      this.#newest = name
      const size = await file.size()
      await file.write([encodeSegmentHeader(name, size)], 0)
      await this.#syncOrStop(() => file.sync())
      await disk.rename(`${folder}/${nextName}`, `${folder}/${name.name}`)
      await this.#syncOrStop(() => disk.syncFolder(folder))
      this.all.push({ ...name, size, end: segmentHeaderBytes, lastLsn: name.firstLsn - 1, findings: [] })
    } catch (error) {
      await file.close()
      throw error
    }
    const before = this.#file
    this.#file = file
    this.#offset = segmentHeaderBytes
    this.#durableOffset = segmentHeaderBytes
    await before?.close()
  }

  #wrote({ length }: Buffer, records: number): void {
    this.#offset += length
    this.#nextLsn += records
  }

  #synced(): void {
    this.#durableLsn = this.#nextLsn - 1
    this.#durableOffset = this.#offset
  }

  async #syncOrStop(sync: () => Promise<void>, dropped?: string): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#syncs += 1
    try {
      await syncOrNote(this.#options, sync, dropped)
    } catch (error) {
      if (error instanceof WalError && this.#failure === undefined) {
        this.#failure = error
        this.lastFailure = error
        publishStop(error)
      }
      throw this.#failure ?? error
    }
  }
}
