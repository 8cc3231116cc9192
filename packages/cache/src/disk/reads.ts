/** Reads of the values of a disk cache, whole or as a body. */
import { StorageError, type StoredObject } from '@ipfs-kit/storage'
import type { Entry } from './entries.ts'
import { told } from './told.ts'
import { readValue } from './value-reader.ts'
import type { Values } from './values.ts'

export class Reads {
  readonly #values: Values
  hits = 0
  misses = 0
  /** Bodies that are not at their ends. */
  readers = 0

  constructor(values: Values) {
    this.#values = values
  }

  /** All bytes of a value. */
  async whole(key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      const pinned = await this.#values.pin(key, { signal })
      if (pinned === undefined) return this.#missed()
      try {
        const bytes = await this.#values.whole(pinned, { signal })
        if (bytes === undefined) continue
        this.#given(pinned.entry)
        return bytes
      } finally {
        this.#values.unpin(pinned.entry)
      }
    }
  }

  /** A range of a value, whose parts stay until the body is at its end or left. @throws StorageError STORAGE_RANGE */
  async body(
    key: string,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<StoredObject | undefined> {
    for (;;) {
      const pinned = await this.#values.pin(key, { signal })
      if (pinned === undefined) return this.#missed()
      const { entry } = pinned
      const { size } = entry
      let isGiven = false
      try {
        if (offset > 0 && offset >= size) {
          throw new StorageError('STORAGE_RANGE', `Offset ${offset} is not below the size of ${size} bytes`)
        }
        const to = offset + Math.min(length, size - offset)
        const partBytes = entry.partBytes === 0 ? Math.max(1, size) : entry.partBytes
        const first = await this.#values.part(pinned, Math.floor(offset / partBytes), { signal })
        if (first === undefined) continue
        isGiven = true
        this.readers += 1
        this.#given(entry)
        const body = readValue({
          from: offset,
          to,
          partBytes,
          first,
          read: (part) => told(() => this.#values.part(pinned, part, { signal })),
          signal,
          release: () => {
            this.readers -= 1
            this.#values.unpin(entry)
          },
        })
        return { key, size, offset, length: to - offset, body }
      } finally {
        if (!isGiven) this.#values.unpin(entry)
      }
    }
  }

  #given(entry: Entry): void {
    this.hits += 1
    this.#values.use(entry)
  }

  #missed(): undefined {
    this.misses += 1
  }
}
