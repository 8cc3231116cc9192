/** Values under free keys: records of the cache stream. */
import type { CallOptions, RangeOptions, Unverified } from './blocks.ts'
import { deleteKey } from './delete-key.ts'
import { frameKinds } from './frame.ts'
import { listEntries } from './listing.ts'
import { readRange } from './range.ts'
import type { Key, Store } from './store.ts'

/** The free keys of a store. */
export function createUnverified(store: Store): Unverified {
  return new Records(store)
}

class Records implements Unverified {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async put(key: string, bytes: Uint8Array, options?: CallOptions): Promise<void> {
    await this.#store.puts.replace(this.#key(key), bytes, options)
  }

  async get(key: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#store.get(this.#key(key), options)
  }

  async getRange(key: string, options: RangeOptions = {}): Promise<Uint8Array | undefined> {
    return readRange(this.#store, this.#key(key), options)
  }

  async has(key: string, options?: CallOptions): Promise<boolean> {
    this.#store.check(options)
    return (await this.#store.lookup.withEntry(this.#key(key), () => true)) ?? false
  }

  async delete(key: string, options?: CallOptions): Promise<boolean> {
    return deleteKey(this.#store, this.#key(key), options)
  }

  async *list(
    options?: CallOptions,
  ): AsyncGenerator<{ readonly key: string; readonly size: number }, void, undefined> {
    for await (const { kind, key, size } of listEntries(this.#store, options)) {
      if (kind === frameKinds.record) yield { key: Buffer.from(key).toString('utf8'), size }
    }
  }

  /** @throws TypeError for what has no UTF-8: two such keys could become one */
  #key(key: string): Key {
    if (typeof key === 'string' && !key.isWellFormed()) {
      throw new TypeError('The key of a record has no half of a surrogate pair')
    }
    return this.#store.recordKey(key)
  }
}
