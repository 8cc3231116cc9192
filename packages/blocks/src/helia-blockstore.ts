/** The store in the shape that Helia, the importer and the exporter take. */
import { gather } from '@ipfs-kit/storage'
import type { Blockstore, InputPair, Pair as BlockstorePair } from 'interface-blockstore'
import { NotFoundError } from 'interface-store'
import type { CID } from 'multiformats/cid'
import type { Blocks, CallOptions, Listed, Pair } from './blocks.ts'
import { BlocksError } from './errors.ts'

/** Options of {@link createHeliaBlockstore}. */
export interface HeliaBlockstoreOptions {
  /** Bytes of a block that is put. Default 16,777,216 (16 MiB). The limit of the store holds besides. */
  readonly maxBlockBytes?: number
}

/** The calls of a store that a blockstore makes. */
export interface HeliaBlocks extends Pick<Blocks, 'put' | 'putMany' | 'get' | 'has' | 'delete'> {
  list(options?: CallOptions): AsyncIterable<Pick<Listed, 'cid'>>
}

type Bytes = InputPair['bytes']

/**
 * A blockstore of `interface-blockstore` 7 over a store. Every put is verified (`BLOCKS_MISMATCH`), and every read. What is put
 * lies in cache packs: to keep content, put it through a lease. `get` of a block that is not here throws the
 * `NotFoundError` of `interface-store`; `getMany` and `getAll` throw it when the bytes are read. `delete` removes nothing
 * that a lease holds.
 *
 * @throws TypeError for an unknown option, RangeError for `maxBlockBytes`
 */
export function createHeliaBlockstore(blocks: HeliaBlocks, options: HeliaBlockstoreOptions = {}): Blockstore {
  const { maxBlockBytes = 16_777_216, ...unknown } = options
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`A Helia blockstore has no option ${JSON.stringify(name)}`)
  if (!Number.isSafeInteger(maxBlockBytes) || maxBlockBytes < 1) {
    throw new RangeError(`maxBlockBytes is a whole number, 1 or more, not ${maxBlockBytes}`)
  }
  return new HeliaBlockstore(blocks, maxBlockBytes)
}

/** Of a call that nobody can cancel. */
const never = new AbortController().signal

class HeliaBlockstore implements Blockstore {
  readonly #blocks: HeliaBlocks
  readonly #maxBlockBytes: number

  constructor(blocks: HeliaBlocks, maxBlockBytes: number) {
    this.#blocks = blocks
    this.#maxBlockBytes = maxBlockBytes
  }

  async put(cid: CID, value: Bytes, options?: CallOptions): Promise<CID> {
    options?.signal?.throwIfAborted()
    await this.#blocks.put(cid, await this.#whole(cid, value, options), signalOf(options))
    return cid
  }

  async *putMany(
    source: Iterable<InputPair> | AsyncIterable<InputPair>,
    options?: CallOptions,
  ): AsyncGenerator<CID, void, undefined> {
    yield* this.#blocks.putMany(this.#wholePairs(source, options), signalOf(options))
  }

  async *get(cid: CID, options?: CallOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const bytes = await this.#blocks.get(cid, signalOf(options))
    if (bytes === undefined) throw new NotFoundError(`The block ${cid} is not here`)
    yield bytes
  }

  async *getMany(
    source: Iterable<CID> | AsyncIterable<CID>,
    options?: CallOptions,
  ): AsyncGenerator<BlockstorePair, void, undefined> {
    for await (const cid of source) yield { cid, bytes: this.get(cid, options) }
  }

  async *getAll(options?: CallOptions): AsyncGenerator<BlockstorePair, void, undefined> {
    for await (const { cid } of this.#blocks.list(signalOf(options))) {
      yield { cid, bytes: this.get(cid, options) }
    }
  }

  has(cid: CID, options?: CallOptions): Promise<boolean> {
    return this.#blocks.has(cid, signalOf(options))
  }

  async delete(cid: CID, options?: CallOptions): Promise<void> {
    await this.#blocks.delete(cid, signalOf(options))
  }

  async *deleteMany(
    source: Iterable<CID> | AsyncIterable<CID>,
    options?: CallOptions,
  ): AsyncGenerator<CID, void, undefined> {
    for await (const cid of source) {
      await this.delete(cid, options)
      yield cid
    }
  }

  async *#wholePairs(
    source: Iterable<InputPair> | AsyncIterable<InputPair>,
    options: CallOptions | undefined,
  ): AsyncGenerator<Pair, void, undefined> {
    for await (const { cid, bytes } of source) yield { cid, bytes: await this.#whole(cid, bytes, options) }
  }

  /** @throws BlocksError BLOCKS_TOO_LARGE */
  async #whole(cid: CID, value: Bytes, options: CallOptions | undefined): Promise<Uint8Array> {
    const check = (bytes: number): void => {
      if (bytes <= this.#maxBlockBytes) return
      throw new BlocksError(
        'BLOCKS_TOO_LARGE',
        `The block ${cid} has ${bytes} bytes or more; at most ${this.#maxBlockBytes} are allowed here`,
      )
    }
    if (!(value instanceof Uint8Array)) {
      const pieces = Symbol.asyncIterator in value ? value : oneByOne(value)
      return gather(pieces, { signal: options?.signal ?? never, onBytes: check })
    }
    check(value.length)
    return value
  }
}

async function* oneByOne(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces
}

/** Helia passes options of its own along: the store refuses what it does not know. */
function signalOf(options: CallOptions | undefined): CallOptions {
  return options?.signal === undefined ? {} : { signal: options.signal }
}
