/** What a migration has done, and what is left to do. */
import { BlocksError, type BlocksStats } from '@ipfs-kit/blocks'
import { now, sleepUntil } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import type { MigrationProgress } from './ipfs.ts'
import type { OldBlocks } from './old-blocks.ts'

/** The counts of one migration, since opening. */
export class MigrationCount {
  readonly #old: OldBlocks
  /** Files of blocks in each shard that was looked at. */
  readonly #there = new Map<string, number>()
  /** Whether all shards were. */
  #isKnown = false
  readonly #startedAt = now()
  #endedAt: number | undefined
  #blocks = 0
  #bytes = 0
  #copied = 0
  #damaged = 0
  #left = 0
  /** What the disk said of the first file that was left. */
  leftBecause: unknown

  constructor(old: OldBlocks) {
    this.#old = old
  }

  /** Files that the last pass has left. */
  get left(): number {
    return this.#left
  }

  progress(): Omit<MigrationProgress, 'state' | 'error'> {
    const seconds = Math.max(((this.#endedAt ?? now()) - this.#startedAt) / 1000, 0.001)
    const ofBlocks = this.#blocks + this.#damaged + this.#remaining()
    return {
      blocks: this.#blocks,
      ...(this.#isKnown ? { ofBlocks } : {}),
      copied: this.#copied,
      bytes: this.#bytes,
      damaged: this.#damaged,
      left: this.#left,
      bytesPerSecond: Math.round(this.#bytes / seconds),
    }
  }

  /** Counts the files of all shards. */
  async look(): Promise<void> {
    for (const shard of this.#old.shards) {
      await this.#count(shard, () => !this.#isKnown && !this.#there.has(shard))
      await sleepUntil(0)
    }
    this.#isKnown = true
  }

  /** Counts the files that are still in a shard. */
  async lookAt(shard: string): Promise<void> {
    await this.#count(shard, () => true)
  }

  beginPass(): void {
    this.#endedAt = undefined
    this.#left = 0
    this.leftBecause = undefined
  }

  end(isDone: boolean): void {
    this.#endedAt = now()
    if (!isDone) return
    this.#there.clear()
    this.#isKnown = true
  }

  copied(): void {
    this.#copied += 1
  }

  moved(cid: CID, bytes: number): void {
    this.#blocks += 1
    this.#bytes += bytes
    this.removed(cid)
  }

  damaged(cid: CID): void {
    this.#damaged += 1
    this.removed(cid)
  }

  removed(cid: CID): void {
    const shard = this.#old.shardOf(cid)
    const there = this.#there.get(shard)
    if (there !== undefined && there > 0) this.#there.set(shard, there - 1)
  }

  leave(error: unknown): void {
    this.#left += 1
    this.leftBecause ??= error
  }

  /** That there is no room for what is left, with the numbers. */
  full(
    { packBytes, maxBytes }: Pick<BlocksStats, 'packBytes' | 'maxBytes'>,
    cause: BlocksError,
  ): BlocksError {
    return new BlocksError(
      'BLOCKS_FULL',
      `No room in packs for ${this.#remaining()} blocks of an older version; the packs take ${packBytes} of ${maxBytes} bytes: ${cause.message}`,
      { cause },
    )
  }

  async #count(shard: string, isWanted: () => boolean): Promise<void> {
    try {
      const { cids } = await this.#old.shard(shard)
      if (isWanted()) this.#there.set(shard, cids.length)
    } catch (error) {
      // Whoever moves its blocks meets the same and tells.
      if (!(error instanceof BlocksError)) throw error
    }
  }

  #remaining(): number {
    let blocks = 0
    for (const there of this.#there.values()) blocks += there
    return blocks
  }
}
