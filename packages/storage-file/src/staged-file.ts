/** A value on its way in: a file of its own, hashed while it is written, which gets its name when it is complete. */
import { createHash } from 'node:crypto'
import type { Disk, DiskFile, DiskStat } from '@ipfs-kit/disk'

/** Small pieces are gathered up to this. */
const bufferBytes = 64 * 1024

/** A complete value. */
export interface Staged {
  readonly path: string
  readonly stat: DiskStat
  readonly sha256: string
}

export class StagedFile {
  readonly #disk: Disk
  readonly #file: DiskFile
  readonly #hash = createHash('sha256')
  #buffer: Uint8Array | undefined
  #buffered = 0
  #written = 0

  private constructor(disk: Disk, file: DiskFile) {
    this.#disk = disk
    this.#file = file
  }

  static async create(disk: Disk, path: string): Promise<StagedFile> {
    return new StagedFile(disk, await disk.open(path, 'create-new'))
  }

  /** Takes a piece, which may be used for something else when this has resolved. */
  async take(piece: Uint8Array): Promise<void> {
    this.#hash.update(piece)
    if (this.#buffered + piece.length > bufferBytes) await this.#flush()
    if (piece.length >= bufferBytes) return this.#write(piece)
    this.#buffer ??= new Uint8Array(bufferBytes)
    this.#buffer.set(piece, this.#buffered)
    this.#buffered += piece.length
  }

  /** Everything has come. @param modifiedMs - the time that the file gets */
  async end(modifiedMs: number, isSynced: boolean): Promise<Staged> {
    await this.#flush()
    await this.#file.setModified(modifiedMs)
    if (isSynced) await this.#file.sync()
    const stat = await this.#file.stat()
    await this.#file.close()
    return { path: this.#file.path, stat, sha256: this.#hash.digest('hex') }
  }

  /** It is not wanted any more. */
  async abandon(): Promise<void> {
    try {
      await this.#file.close()
    } finally {
      await this.#disk.unlink(this.#file.path)
    }
  }

  async #flush(): Promise<void> {
    if (this.#buffered === 0) return
    const piece = this.#buffer!.subarray(0, this.#buffered)
    this.#buffered = 0
    await this.#write(piece)
  }

  async #write(piece: Uint8Array): Promise<void> {
    const position = this.#written
    this.#written += piece.length
    if (!this.#file.writeNow([piece], position)) await this.#file.write([piece], position)
  }
}
