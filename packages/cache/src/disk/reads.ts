/** Reads of the values of a disk cache, whole or as a body. */
import { told } from '@ipfs-kit/blocks'
import { type StoredObject, type Wanted, windowOf } from '@ipfs-kit/storage'
import type { Entry } from './entries.ts'
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
  async body(key: string, wanted: Wanted, signal: AbortSignal): Promise<StoredObject | undefined> {
    for (;;) {
      const pinned = await this.#values.pin(key, { signal })
      if (pinned === undefined) return this.#missed()
      const { entry } = pinned
      const { size } = entry
      let isGiven = false
      try {
        const { from, to } = windowOf(wanted, size)
        const partBytes = entry.partBytes === 0 ? Math.max(1, size) : entry.partBytes
        const first = await this.#values.part(pinned, Math.floor(from / partBytes), { signal })
        if (first === undefined) continue
        isGiven = true
        this.readers += 1
        this.#given(entry)
        const body = readValue({
          from,
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
        return { ...entry.stat, offset: from, length: to - from, body }
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
