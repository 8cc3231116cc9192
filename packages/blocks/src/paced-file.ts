/** Reads a pack at a bounded rate, and goes on behind sectors that the disk cannot read. */
import { now, sleep } from '@ipfs-kit/concurrency'
import type { CallOptions } from './blocks.ts'
import type { Pack } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import { Unreadable } from './read-around.ts'

/** The pack was removed while it was read: there is nothing to say about it. */
export class PackGone extends Error {
  override readonly name = 'PackGone'
}

/** A rate that several files share. */
export class ReadPace {
  readonly #bytesPerSecond: number
  readonly #options: CallOptions
  #due = now()

  constructor(bytesPerSecond: number, options: CallOptions) {
    this.#bytesPerSecond = bytesPerSecond
    this.#options = options
  }

  /** Waits until more may be read. What was not used in time is lost. */
  async wait(): Promise<void> {
    const waitMs = this.#due - now()
    if (waitMs > 0) await sleep(waitMs, this.#options)
    this.#due = Math.max(this.#due, now())
  }

  used(bytes: number): void {
    this.#due += (bytes / this.#bytesPerSecond) * 1000
  }
}

/** The file of a pack. The pack is held while a piece is read and not between two, so that it can be removed. */
export class PacedFile {
  readonly path: string
  /** What the disk could not read: zeros were given for it. */
  readonly unreadable = new Unreadable()
  readonly #folder: PackFolder
  readonly #pack: Pack
  readonly #pace: ReadPace
  readonly #onRead: (bytes: number) => void

  constructor(folder: PackFolder, pack: Pack, pace: ReadPace, onRead: (bytes: number) => void) {
    this.path = pack.path
    this.#folder = folder
    this.#pack = pack
    this.#pace = pace
    this.#onRead = onRead
  }

  /** @throws PackGone; DiskError other than DISK_IO */
  async read(into: Uint8Array, position: number): Promise<number> {
    await this.#pace.wait()
    const read = await this.#hold(async () =>
      this.unreadable.read(await this.#folder.file(this.#pack), into, position),
    )
    this.#pace.used(read)
    this.#onRead(read)
    return read
  }

  /** Bytes of the file. @throws PackGone; DiskError */
  async size(): Promise<number> {
    return this.#hold(async () => (await this.#folder.file(this.#pack)).size())
  }

  async #hold<T>(work: () => Promise<T>): Promise<T> {
    const pack = this.#pack
    if (pack.state === 'gone') throw new PackGone(`The pack ${pack.id} was removed`)
    pack.acquire()
    try {
      return await work()
    } finally {
      pack.release()
    }
  }
}
