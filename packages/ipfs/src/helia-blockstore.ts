/** The store in the shape that Helia, the importer and the exporter take. */
import { BaseBlockstore } from 'blockstore-core'
import type { CID } from 'multiformats/cid'
import type { BlockFiles } from './block-files.ts'
import type { Calls } from './calls.ts'
import { matches } from './codecs.ts'
import { IpfsError } from './errors.ts'
import type { CallOptions } from './ipfs.ts'
import type { Retention } from './retention.ts'

/**
 * Blocks by CID: every read and every write is verified. A block that is put here is kept only when a pin reaches it. `delete` removes
 * nothing that a running add, import or pin holds.
 */
export class HeliaBlockstore extends BaseBlockstore {
  readonly #blocks: BlockFiles
  readonly #retention: Retention
  readonly #calls: Calls

  constructor(parts: { readonly blocks: BlockFiles; readonly retention: Retention; readonly calls: Calls }) {
    super()
    this.#blocks = parts.blocks
    this.#retention = parts.retention
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
      const lease = this.#retention.lease()
      try {
        await lease.put(cid, bytes)
      } finally {
        lease.release()
      }
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
    await this.#calls.run(options, () => this.#retention.remove(cid))
  }

  override getAll(options?: CallOptions) {
    return this.#calls.stream(options, (signal) => this.#all(signal))
  }

  async *#all(signal: AbortSignal) {
    for await (const { cid } of this.#blocks.list()) {
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
