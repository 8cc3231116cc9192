/**
 * Some blocks on their way from files to packs: copied, then synced, read back verified, and only then their files removed. Until
 * its end a batch has the turn of each of its blocks.
 */
import { type Blocks, BlocksError, keyOfBlock, type Lease, type Stream } from '@ipfs-kit/blocks'
import { type KeyedLock, map, now, sleepUntil, TaskGroupError } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { type OldBlocks, orLeft } from './old-blocks.ts'
import { filesAtOnce } from './old-groups.ts'
import type { OldHolds } from './old-holds.ts'

/** What a batch works on, and whom it tells. */
export interface BatchParts {
  readonly packs: Pick<Blocks, 'lease' | 'get'>
  readonly old: OldBlocks
  readonly turns: KeyedLock<string>
  readonly holds: OldHolds
  readonly pace: Pace
  /** A block is in a pack; its file is there still. */
  readonly copied: () => void
  /** The file of a block has gone, because it is in a pack that is synced. */
  readonly moved: (cid: CID, bytes: number) => void
  /** The file of a block does not hold it, and was set aside. */
  readonly damaged: (cid: CID) => void
  /** The disk refuses to read or remove the file: it stays. */
  readonly left: (error: BlocksError) => void
}

interface Copied {
  readonly cid: CID
  readonly bytes: number
}

const fileCostBytes = 4096
/** Who was slower than the rate may catch up with so much of it. */
const arrearsMs = 100
/** Reads no more than so many bytes a second. */
export class Pace {
  readonly #bytesPerSecond: number
  #due = 0

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond
  }

  async of(bytes: number): Promise<void> {
    const cost = ((bytes + fileCostBytes) / this.#bytesPerSecond) * 1000
    this.#due = Math.max(this.#due, now() - arrearsMs) + cost
    await sleepUntil(this.#due)
  }
}

/** One batch. Dispose of it, whatever became of it. */
export class Batch implements Disposable {
  readonly #parts: BatchParts
  readonly #lease: Lease
  readonly #turns = new DisposableStack()
  readonly #copied: Copied[] = []
  #bytes = 0
  /** Blocks for which there was no room, and what the store said. */
  readonly refused: CID[] = []
  full: BlocksError | undefined

  constructor(parts: BatchParts, stream: Stream) {
    this.#parts = parts
    this.#lease = parts.packs.lease({ name: 'migration', stream })
  }

  get blocks(): number {
    return this.#copied.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Copies blocks. What cannot be read is told, and left. */
  async copy(cids: readonly CID[]): Promise<void> {
    await eachOf(cids, async (cid) => {
      try {
        await this.#copy(cid)
      } catch (error) {
        if (!isFull(error)) throw error
        this.full = error
        this.refused.push(cid)
      }
    })
  }

  /** Syncs what was copied, reads it back and removes its files. */
  async finish(): Promise<void> {
    await this.#lease.flush()
    await eachOf(this.#copied, (block) => this.#removeFile(block))
  }

  [Symbol.dispose](): void {
    this.#lease.close()
    // Now that nothing holds them who waits may remove them.
    this.#turns.dispose()
  }

  async #copy(cid: CID): Promise<void> {
    const { old, pace, turns, left } = this.#parts
    const turn = this.#turns.use(await turns.acquire(keyOfBlock(cid)))
    let bytes: number | undefined
    try {
      const content = await orLeft(() => old.read(cid), left)
      if (content === undefined) return
      await pace.of(content === 'damaged' ? 0 : content.length)
      if (content === 'damaged') {
        if ((await orLeft(() => old.setAside(cid), left)) === true) this.#parts.damaged(cid)
        return
      }
      await this.#lease.put(cid, content, { verify: 'on-read' })
      bytes = content.length
    } finally {
      if (bytes === undefined) turn[Symbol.dispose]()
    }
    this.#copied.push({ cid, bytes })
    this.#bytes += bytes
    this.#parts.copied()
  }

  async #removeFile({ cid, bytes }: Copied): Promise<void> {
    const { packs, old, holds, left } = this.#parts
    if ((await packs.get(cid)) === undefined) {
      throw new BlocksError(
        'BLOCKS_IO',
        `The block ${cid} cannot be read from the pack that it was just written to`,
      )
    }
    await holds.passOn(cid)
    if ((await orLeft(() => old.remove(cid), left)) !== undefined) this.#parts.moved(cid, bytes)
  }
}

/** Whether it is for lack of room. */
export function isFull(error: unknown): error is BlocksError {
  return error instanceof BlocksError && error.code === 'BLOCKS_FULL'
}

/** `map`, whose first failure is told as it is. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  try {
    await map(items, work, { concurrency: filesAtOnce })
  } catch (error) {
    throw error instanceof TaskGroupError ? error.flatten()[0] : error
  }
}
