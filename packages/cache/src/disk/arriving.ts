/** Memory for bodies that arrive: bounded for all of them together. */
import { StorageError } from '@ipfs-kit/storage'

/** The account of all bodies. */
export class Arriving {
  readonly #maxBytes: number
  bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @throws StorageError STORAGE_FULL */
  take(bytes: number): void {
    if (this.bytes + bytes > this.#maxBytes) {
      throw new StorageError(
        'STORAGE_FULL',
        `The bodies that arrive now take ${this.bytes} of ${this.#maxBytes} bytes`,
      )
    }
    this.bytes += bytes
  }

  give(bytes: number): void {
    this.bytes -= bytes
  }
}
