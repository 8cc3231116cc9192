/** The store in the shape that Helia, the importer and the exporter take. */
import { BaseBlockstore } from 'blockstore-core'
import type { CID } from 'multiformats/cid'
import type { BlockStore } from './block-store.ts'
import type { Calls } from './calls.ts'
import { matches } from './codecs.ts'
import { IpfsError } from './errors.ts'
import type { CallOptions } from './ipfs.ts'

/**
 * Blocks by CID: every read and every write is verified. A block that is put here is cache until a pin reaches it. `delete`
 * removes nothing that a running add, import, pin or export holds.
 */
export class HeliaBlockstore extends BaseBlockstore {
  readonly #blocks: BlockStore
  readonly #calls: Calls

  constructor(parts: { readonly blocks: BlockStore; readonly calls: Calls }) {
    super()
    this.#blocks = parts.blocks
    this.#calls = parts.calls
  }

  override async put(
    cid: CID,
    value: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<CID> {
    return this.#calls.run(options, async (signal) => {
      const bytes = value instanceof Uint8Array ? value : await concat(value)
      if (!(await matches(cid, bytes))) {
        throw new IpfsError(
          'IPFS_BLOCK_MISMATCH',
          `The ${bytes.byteLength} bytes given for ${cid} do not match it`,
        )
      }
      signal.throwIfAborted()
      await this.#blocks.put(cid, bytes, signal)
      return cid
    })
  }

  override async *get(cid: CID, options?: CallOptions): AsyncGenerator<Uint8Array, void, undefined> {
    yield await this.#calls.run(options, (signal) => this.#blocks.get(cid, signal))
  }

  override async has(cid: CID, options?: CallOptions): Promise<boolean> {
    return this.#calls.run(options, () => this.#blocks.has(cid))
  }

  override async delete(cid: CID, options?: CallOptions): Promise<void> {
    await this.#calls.run(options, (signal) => this.#blocks.delete(cid, signal))
  }

  override getAll(options?: CallOptions) {
    return this.#calls.stream(options, (signal) => this.#all(signal))
  }

  async *#all(signal: AbortSignal) {
    for await (const { cid } of this.#blocks.list(signal)) {
      signal.throwIfAborted()
      yield { cid, bytes: this.get(cid, { signal }) }
    }
  }
}

async function concat(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}
