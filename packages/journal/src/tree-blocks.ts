/** Reads blocks of the tree. Those of folders, with the shards of large ones, stay in memory as long as they are in use. */
import type { Blocks } from '@ipfs-kit/blocks'
import { createMemoryCache, type MemoryCache } from '@ipfs-kit/cache'
import type { GetBlock } from '@ipfs-kit/ipfs/unixfs'
import { code as dagPbCode } from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import { journalClosed, JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'

/**
 * A small block is kept as a text of its bytes: that many small pieces of memory beside others that come and go leave holes, which
 * nobody gives back.
 */
const smallBytes = 2048
/** What a block in memory takes besides its bytes. */
const overheadBytes = 192

/** Who looks for a name in a folder of 1,000,000 reads three of its shards, and a checkpoint those of all names that have changed. */
export class TreeReader implements AsyncDisposable {
  readonly #blocks: Pick<Blocks, 'get'>
  readonly #memory: MemoryCache<Uint8Array | string> | undefined
  #isClosed = false

  /** @param memoryBytes - of what stays in memory; 0: nothing does */
  constructor(blocks: Pick<Blocks, 'get'>, memoryBytes: number) {
    this.#blocks = blocks
    if (memoryBytes === 0) return
    this.#memory = createMemoryCache({
      name: 'folders of a journal',
      maxBytes: memoryBytes,
      sizeOf: (block) => block.length + overheadBytes,
    })
  }

  /** Gives a block, which has to be there. @throws JournalError JOURNAL_BLOCK_MISSING, JOURNAL_FAILED, JOURNAL_CLOSED */
  readonly get: GetBlock = async (cid, signal) => {
    this.#check()
    // Whoever reads it does not change it: it is everybody's.
    const kept = cid.code === dagPbCode ? this.#memory?.get(keyOf(cid)) : undefined
    if (kept !== undefined) return typeof kept === 'string' ? Buffer.from(kept, 'latin1') : kept
    const bytes = await this.read(cid, signal)
    return cid.code === dagPbCode ? this.keep(cid, bytes) : bytes
  }

  /** The same from the block store, whatever is in memory: for who wants to know that it is there. */
  readonly read: GetBlock = async (cid, signal) => {
    this.#check()
    let bytes: Uint8Array | undefined
    try {
      bytes = await this.#blocks.get(cid, signal === undefined ? {} : { signal })
    } catch (cause) {
      throw storeFailure(cause, `read the block ${cid}`)
    }
    if (bytes !== undefined) return bytes
    throw new JournalError('JOURNAL_BLOCK_MISSING', `The block ${cid} is not here, or is damaged`)
  }

  /** Takes a block of a folder into memory. Gives what is kept of a large one: whoever asks for it again gets the same. */
  keep(cid: CID, bytes: Uint8Array): Uint8Array {
    if (this.#memory === undefined || this.#isClosed) return bytes
    if (bytes.byteLength <= smallBytes) {
      this.#memory.set(keyOf(cid), textOf(bytes))
      return bytes
    }
    // Of its own: others may be in the memory that it lies in.
    const own = new Uint8Array(bytes)
    this.#memory.set(keyOf(cid), own)
    return own
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#memory?.close()
  }

  #check(): void {
    if (this.#isClosed) throw journalClosed()
  }
}

function keyOf({ multihash }: CID): string {
  return textOf(multihash.bytes)
}

/** A character for each byte. */
function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}
