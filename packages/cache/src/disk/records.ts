/** The records of a cache in its store: a head for each key, and the parts of values that are too large for it. */
import type { Blocks, CallOptions } from '@ipfs-kit/blocks'
import type { Entry } from './entries.ts'
import { decodeHead, encodeHead, type Head, type ReadHead } from './head.ts'

/** What a record of a cache is, by its name. */
export type RecordName =
  | { readonly kind: 'head'; readonly key: string }
  | { readonly kind: 'part'; readonly generation: string; readonly part: number }

const nothing = new Uint8Array()

/** Names, reads and writes records. The store's errors pass through. */
export class Records {
  readonly #store: Blocks['unverified']
  readonly #prefix: string

  constructor(store: Blocks['unverified'], name: string) {
    this.#store = store
    this.#prefix = `${name}\0`
  }

  /** Shows the names of all records that there are. */
  async list(show: (name: RecordName) => void): Promise<void> {
    for await (const { key } of this.#store.list()) {
      const name = this.#parse(key)
      if (name !== undefined) show(name)
    }
  }

  /** The head of a key; undefined if there is none, or what is there is none. */
  async head(key: string, options?: CallOptions): Promise<ReadHead | undefined> {
    const record = await this.#store.get(this.#headName(key), options)
    return record === undefined ? undefined : decodeHead(record)
  }

  async putHead(key: string, head: Head, value: Uint8Array | undefined): Promise<void> {
    await this.#store.put(this.#headName(key), encodeHead(head, value))
  }

  async deleteHead(key: string): Promise<void> {
    await this.#delete(this.#headName(key))
  }

  /**
   * The same for a head that was to be deleted before: where that has failed, it is on the disk, and the store knows nothing
   * of it. What lies over it can be deleted.
   */
  async eraseHead(key: string): Promise<void> {
    await this.#store.put(this.#headName(key), nothing)
    await this.deleteHead(key)
  }

  hasHead(key: string): Promise<boolean> {
    return this.#store.has(this.#headName(key))
  }

  async part(generation: string, part: number, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#store.get(this.#partName(generation, part), options)
  }

  async putPart(generation: string, part: number, bytes: Uint8Array, options: CallOptions): Promise<void> {
    await this.#store.put(this.#partName(generation, part), bytes, options)
  }

  async deletePart(generation: string, part: number): Promise<void> {
    const name = this.#partName(generation, part)
    if (await this.#store.has(name)) await this.#delete(name)
  }

  /** Whether all parts are there; whether they can be read, only reading tells. */
  async hasParts(generation: string, parts: number, options?: CallOptions): Promise<boolean> {
    for (let part = 0; part < parts; part += 1) {
      if (!(await this.#store.has(this.#partName(generation, part), options))) return false
    }
    return true
  }

  /** Whether all of a value is there. */
  async hasAll({ key, generation, parts }: Entry, options?: CallOptions): Promise<boolean> {
    return (await this.#store.has(this.#headName(key), options)) && this.hasParts(generation, parts, options)
  }

  /** Where a crash has damaged a record, the one that it had replaced may be left below it. */
  async #delete(name: string): Promise<void> {
    let wasThere = true
    while (wasThere) wasThere = await this.#store.delete(name)
  }

  // A key has no NUL, and neither has the name of a cache: nothing can be taken for something else.
  #headName(key: string): string {
    return `${this.#prefix}h${key}`
  }

  #partName(generation: string, part: number): string {
    return `${this.#prefix}p${generation}/${part}`
  }

  #parse(record: string): RecordName | undefined {
    if (!record.startsWith(this.#prefix)) return undefined
    const kind = record[this.#prefix.length]
    const rest = record.slice(this.#prefix.length + 1)
    if (kind === 'h') return { kind: 'head', key: rest }
    if (kind !== 'p') return undefined
    const slash = rest.lastIndexOf('/')
    return { kind: 'part', generation: rest.slice(0, slash), part: Number(rest.slice(slash + 1)) }
  }
}
