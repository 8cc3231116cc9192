/** The account of a bounded store: nothing is kept that was not taken from it before. */
import { StorageError } from './errors.ts'

/** Counts bytes and entries up to two limits. */
export class Quota {
  readonly maxBytes: number
  readonly maxEntries: number
  bytes = 0
  entries = 0

  constructor(maxBytes: number, maxEntries: number) {
    this.maxBytes = maxBytes
    this.maxEntries = maxEntries
  }

  /** @throws StorageError `STORAGE_FULL`, and then nothing was taken */
  takeBytes(bytes: number): void {
    if (bytes > this.maxBytes - this.bytes) {
      throw new StorageError(
        'STORAGE_FULL',
        `${bytes} bytes more do not fit: ${this.bytes} of ${this.maxBytes} bytes are taken`,
      )
    }
    this.bytes += bytes
  }

  /** @throws StorageError `STORAGE_FULL`, and then nothing was taken */
  takeEntry(): void {
    if (this.entries >= this.maxEntries) {
      throw new StorageError('STORAGE_FULL', `All of the ${this.maxEntries} entries are taken`)
    }
    this.entries++
  }
}
