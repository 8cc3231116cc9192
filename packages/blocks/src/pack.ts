/** One pack file: where its frames are, who reads it, and what is not written yet. */
import { createEvent, type Event } from '@ipfs-kit/concurrency'
import type { DiskFile } from '@ipfs-kit/disk'
import type { Stream } from './blocks.ts'
import type { Footer, PackTable } from './footer.ts'
import type { NewFrame } from './frame-batch.ts'
import type { Piece } from './read-around.ts'

/** Physical bytes are counted in these units, as file systems do. */
const clusterBytes = 4096

/** Bytes that a file of a size takes on the volume. */
export function physicalBytes(fileBytes: number): number {
  return Math.ceil(fileBytes / clusterBytes) * clusterBytes
}

/** A place that a key led to. */
export interface Former {
  readonly pack: Pack
  readonly offset: number
  readonly payloadBytes: number
}

/** A frame on its way to the file. Its payload belongs to whoever puts it. */
export interface Pending {
  readonly frame: NewFrame
  readonly batch: Batch
}

/** Frames that are written together. */
export interface Batch {
  /** Set when all are in the file, or have failed. */
  readonly written: Event
  failure: Error | undefined
}

/** What is known of a pack when it is made or found. */
export interface PackFields {
  /** Place in the store's table. */
  readonly slot: number
  readonly id: number
  readonly stream: Stream
  readonly salt: number
  readonly path: string
}

/** A pack. Its fields are kept by the stream that writes it and by the store. */
export class Pack {
  readonly slot: number
  readonly id: number
  readonly stream: Stream
  readonly salt: number
  readonly path: string
  /** `open`: frames may follow. `sealed`: none will. `gone`: removed, or about to be. */
  state: 'open' | 'sealed' | 'gone' = 'open'
  /** Whether its entries are being forgotten, one by one, before its file is removed. */
  isEmptying = false
  /** Rows and keys in memory: of packs without a footer. */
  table: PackTable | undefined
  footer: Footer | undefined
  /** The open file, if it is open. */
  file: DiskFile | undefined
  /** Where the next frame begins; where the frames that are in the file end; what a sync has covered. */
  dataEnd = 0
  writtenEnd = 0
  syncedEnd = 0
  /** Whether the file goes on behind the frames: with a footer, or with what a crash or a failed write left there. */
  hasTail = false
  /** Bytes taken from the quota. */
  room = 0
  /** Of these, what a file takes that got no header and could not be removed. */
  leftBytes = 0
  liveEntries = 0
  liveBytes = 0
  /** Payload bytes that nothing leads to, or that nobody claimed in the last complete mark. */
  deadBytes = 0
  /**
   * What the disk could not read of it at opening. Frames that nobody knows of may lie there: such a pack takes no frame
   * and no footer, and a kept one without a footer is never removed.
   */
  unreadable: readonly Piece[] = []
  /** Why a write failed: nothing is appended any more. */
  failure: Error | undefined
  readonly pending = new Map<number, Pending>()
  /** Of frames that could not be written: where their keys led before. */
  readonly lost = new Map<number, Former | undefined>()
  readers = 0
  #unread: Event | undefined

  constructor(fields: PackFields) {
    this.slot = fields.slot
    this.id = fields.id
    this.stream = fields.stream
    this.salt = fields.salt
    this.path = fields.path
  }

  /** An entry of the index begins to lead here. */
  gain(payloadBytes: number): void {
    this.liveEntries += 1
    this.liveBytes += payloadBytes
  }

  /** An entry of the index leads here no more. */
  lose(payloadBytes: number): void {
    this.liveEntries -= 1
    this.liveBytes -= payloadBytes
    this.deadBytes += payloadBytes
  }

  /** Whether there may be frames that nothing is known of. */
  get mayHideFrames(): boolean {
    return this.unreadable.length > 0 && this.footer === undefined
  }

  /** Keeps the file there while it is read. */
  acquire(): void {
    this.readers += 1
  }

  release(): void {
    this.readers -= 1
    if (this.readers === 0) this.#unread?.set()
  }

  /** Resolves when nobody reads. Whoever waits has made sure that no new reader comes. */
  async unread(): Promise<void> {
    while (this.readers > 0) {
      this.#unread = createEvent({ name: 'readers of a pack' })
      await this.#unread.wait()
    }
  }
}
