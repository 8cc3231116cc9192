/**
 * What waits for the writer of the index: batches as they were given, of which it gets a slice at a time; it rests between small
 * ones, and waits while the volume is full. Between slices it recovers what is left of older epochs.
 */
import { createOwner, now, sleep } from '@ipfs-kit/concurrency'
import type { Batch } from '../log/log.ts'
import type { IndexStats } from '../store/operation-index.ts'
import { packBatch, type PackedBatch, type Standing } from './calls.ts'
import type { SqliteThread } from './thread.ts'

/** Slices that the writer has or that wait for it: so many that it never waits for this thread. */
const slicesAtOnce = 2
/** Of a slice, which is one transaction. */
const sliceBytes = 1024 * 1024
const sliceRecords = 4096
/**
 * Between two slices that are not full the writer rests so long for each record of the first, at most, while nobody waits for
 * what it does: what changes more than once meanwhile is written once.
 */
const restMsPerRecord = 0.2
const mostRestMs = 100
/** How long it waits until it looks whether a volume that was full has room. */
const fullRestMs = 500

/** What a {@link Feed} is made of. */
export interface FeedOptions {
  readonly thread: Pick<SqliteThread, 'send'>
  /** Where the writer stands now. */
  readonly standing: () => Pick<Standing, 'lsn' | 'recovering'>
  /** Whether somebody waits for what it does: it does not rest meanwhile. */
  readonly isAwaited: () => boolean
  /** The volume is full: what was given is applied when there is room, of which nobody knows when that is. */
  readonly onFull: () => void
}

interface Given extends PackedBatch {
  readonly at: number
  readonly size: number
}

export class Feed {
  readonly #options: FeedOptions
  /** Batches that were given and are not applied, and how many of them the writer has. */
  readonly #given: Given[] = []
  #taken = 0
  #slices = 0
  #queuedBytes = 0
  #takenBytes = 0
  #restsUntil = 0
  #isResting = false
  #isHeld = false
  #isSweeping = false
  /** The volume was full: nothing is applied until there is room. */
  #isFull = false
  #isLooking = false
  #isClosing = false
  readonly #rests = createOwner({ name: 'rests of an index' })

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** Takes the next batch. */
  give({ firstLsn, payloads }: Batch): void {
    const packed = packBatch(firstLsn, payloads)
    const size = packed.bytes.byteLength
    this.#queuedBytes += size
    this.#given.push({ ...packed, at: now(), size })
    this.go()
  }

  /** Gives the writer what waits, unless it has enough, rests, or is kept from it. */
  go(): void {
    this.#feed(slicesAtOnce)
  }

  /** The writer has told where it stands: what it has applied is let go, and what it has to recover goes on. */
  told(): void {
    this.#forgetApplied()
    this.#sweep()
  }

  /** Keeps from the writer what waits, until that is disposed of. */
  hold(): Disposable {
    this.#isHeld = true
    return {
      [Symbol.dispose]: () => {
        this.#isHeld = false
        this.go()
      },
    }
  }

  get isFull(): boolean {
    return this.#isFull
  }

  stats(): Pick<IndexStats, 'lagMs' | 'queuedBytes' | 'isFull'> {
    const oldest = this.#given[0]
    const lagMs = oldest === undefined ? 0 : now() - oldest.at
    return { lagMs, queuedBytes: this.#queuedBytes, isFull: this.#isFull }
  }

  /** Gives the writer all that waits, if there is room, and nothing any more. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#rests.close()
    this.#feed(Infinity)
  }

  /** Gives the writer what waits, while it has fewer slices than that. */
  #feed(slices: number): void {
    const mayFeed = !this.#isHeld && !this.#isFull
    while (mayFeed && this.#slices < slices && this.#taken < this.#given.length && !this.#rest()) {
      const slice: PackedBatch[] = []
      let bytes = 0
      let records = 0
      while (this.#taken < this.#given.length && bytes < sliceBytes && records < sliceRecords) {
        const { firstLsn, count, bytes: memory } = this.#given[this.#taken]!
        slice.push({ firstLsn, count, bytes: memory })
        bytes += memory.byteLength
        records += count
        this.#taken += 1
      }
      this.#takenBytes += bytes
      this.#restsUntil = now() + Math.min(mostRestMs, records * restMsPerRecord)
      this.#apply(slice)
    }
  }

  #apply(slice: readonly PackedBatch[]): void {
    this.#slices += 1
    const moved = slice.map(({ bytes }) => bytes)
    this.#options.thread.send('apply', slice, moved, (isFull) => {
      this.#slices -= 1
      this.#isFull = isFull
      if (isFull) {
        this.#waitForRoom()
      } else {
        this.#sweep()
        this.go()
      }
    })
  }

  /** What the writer has applied was given to it, or is in what it goes on with. */
  #forgetApplied(): void {
    const { lsn } = this.#options.standing()
    let applied = 0
    for (const { firstLsn, count, size } of this.#given) {
      if (firstLsn + count - 1 > lsn) break
      if (applied < this.#taken) this.#takenBytes -= size
      this.#queuedBytes -= size
      applied += 1
    }
    this.#given.splice(0, applied)
    this.#taken -= Math.min(applied, this.#taken)
  }

  /** Recovers what is left of older epochs, a slice between others. */
  #sweep(): void {
    if (this.#isSweeping || this.#isFull || this.#options.standing().recovering === 0) return
    this.#isSweeping = true
    this.#options.thread.send('sweep', undefined, [], (isFull) => {
      this.#isSweeping = false
      if (isFull) this.#waitForRoom()
      else this.#sweep()
    })
  }

  /** The writer keeps what it could not apply; it is asked again after a while. */
  #waitForRoom(): void {
    this.#isFull = true
    this.#options.onFull()
    if (this.#slices > 0 || this.#isLooking || this.#isClosing) return
    this.#isLooking = true
    const again = async (): Promise<void> => {
      await sleep(fullRestMs)
      this.#isLooking = false
      this.#apply([])
    }
    this.#rests.spawn(again, { name: 'wait of an index for room' })
  }

  /** Whether the writer is left to rest; then it is given what waits when that is over. */
  #rest(): boolean {
    const isFull = this.#queuedBytes - this.#takenBytes >= sliceBytes
    const restMs = this.#restsUntil - now()
    if (restMs <= 0 || isFull || this.#options.isAwaited() || this.#isClosing) return false
    if (this.#isResting) return true
    this.#isResting = true
    const rest = async (): Promise<void> => {
      await sleep(restMs)
      this.#isResting = false
      this.go()
    }
    this.#rests.spawn(rest, { name: 'rest of an index' })
    return true
  }
}
