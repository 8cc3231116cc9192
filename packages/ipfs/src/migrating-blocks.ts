/**
 * A pack store and the old store that is being moved into it, as one: a block is where it is, and counts once. What is
 * written goes to the packs.
 */
import {
  type Blocks,
  type BlocksStats,
  type CallOptions,
  type CollectOptions,
  type CollectReport,
  type CompactReport,
  createVisited,
  cutRange,
  type Explanation,
  keyOfBlock,
  type Lease,
  type LeaseOptions,
  type Listed,
  type MarkReport,
  type PackVerified,
  type Pair,
  type PutOptions,
  type RangeOptions,
  type Unverified,
  type VerifyOptions,
  type VerifyReport,
} from '@ipfs-kit/blocks'
import type { CID } from 'multiformats/cid'
import { MigratingLease } from './migrating-lease.ts'
import type { Migration } from './migration.ts'
import { removeUnclaimed } from './old-garbage.ts'

/**
 * The packs with what an old store still holds. `collect`, `mark` and `compact` wait until all has moved, or no more finds
 * room; they reject with `IPFS_NOT_MIGRATED` if it has stopped for another reason. Closing stops the migration, then closes
 * the packs.
 */
export class MigratingBlocks implements Blocks {
  readonly #packs: Blocks
  readonly #migration: Migration

  constructor(packs: Blocks, migration: Migration) {
    this.#packs = packs
    this.#migration = migration
  }

  get unverified(): Unverified {
    return this.#packs.unverified
  }

  put(cid: CID, bytes: Uint8Array, options?: PutOptions): Promise<void> {
    return this.#packs.put(cid, bytes, options)
  }

  putMany(
    pairs: Iterable<Pair> | AsyncIterable<Pair>,
    options?: PutOptions,
  ): AsyncGenerator<CID, void, undefined> {
    return this.#packs.putMany(pairs, options)
  }

  get(cid: CID, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#either(
      () => this.#packs.get(cid, options),
      () => this.#migration.old.get(cid),
    )
  }

  async getRange(cid: CID, options: RangeOptions = {}): Promise<Uint8Array | undefined> {
    return this.#either(
      () => this.#packs.getRange(cid, options),
      async () => {
        const bytes = await this.#migration.old.get(cid)
        options.signal?.throwIfAborted()
        if (bytes === undefined) return undefined
        const { from, to } = cutRange(options, bytes.length)
        return bytes.subarray(from, to)
      },
    )
  }

  async has(cid: CID, options?: CallOptions): Promise<boolean> {
    return (await this.size(cid, options)) !== undefined
  }

  size(cid: CID, options?: CallOptions): Promise<number | undefined> {
    return this.#either(
      () => this.#packs.size(cid, options),
      () => this.#migration.old.size(cid),
    )
  }

  async delete(cid: CID, options?: CallOptions): Promise<boolean> {
    const { old, turns, holds } = this.#migration
    if (this.#migration.isDone) return this.#packs.delete(cid, options)
    // What is being copied would come back.
    using _turn = await turns.acquire(keyOfBlock(cid), { signal: options?.signal })
    if (holds.has(cid)) return false
    const wasInPacks = await this.#packs.delete(cid, options)
    // Held by a lease.
    if (!wasInPacks && (await this.#packs.has(cid, options))) return false
    const wasInFile = await old.remove(cid)
    this.#migration.removed(cid, wasInFile)
    return wasInFile || wasInPacks
  }

  /**
   * The files first: what moves meanwhile was seen there, or is in a pack by the time that the packs are listed. Takes some
   * 20 bytes of memory for each block in files.
   */
  async *list(options?: CallOptions): AsyncGenerator<Listed, void, undefined> {
    const seen = createVisited()
    if (!this.#migration.isDone) {
      for await (const block of this.#migration.old.list()) {
        options?.signal?.throwIfAborted()
        // What has not moved yet is to be kept.
        if (seen.add(block.cid)) yield { ...block, stream: 'kept' }
      }
    }
    for await (const block of this.#packs.list(options)) if (!seen.has(block.cid)) yield block
  }

  lease(options?: LeaseOptions): Lease {
    const lease = this.#packs.lease(options)
    const stream = options?.stream ?? 'kept'
    return this.#migration.isDone ? lease : new MigratingLease(lease, stream, this.#migration)
  }

  /** What is in files is not evicted. */
  noteRetained(roots?: readonly CID[]): void {
    this.#packs.noteRetained(roots)
  }

  async mark(options?: CallOptions): Promise<MarkReport> {
    await this.#migration.settled(options)
    return this.#packs.mark(options)
  }

  /** While only room is missing: what no pin reaches goes from files and packs, and then the rest moves. */
  async collect(options?: CollectOptions): Promise<CollectReport> {
    await this.#migration.settled(options)
    if (this.#migration.isDone) return this.#packs.collect(options)
    const files = await removeUnclaimed(this.#migration, this.#packs, options)
    const packs = await this.#packs.collect(options)
    await this.#migration.goOn(options)
    return {
      removedBlocks: files.removedBlocks + packs.removedBlocks,
      removedBytes: files.removedBytes + packs.removedBytes,
      keptBlocks: await this.#entries(options),
      freedBytes: files.removedBytes + packs.freedBytes,
    }
  }

  async compact(options?: CallOptions & { readonly minDeadShare?: number }): Promise<CompactReport> {
    await this.#migration.settled(options)
    return this.#packs.compact(options)
  }

  verify(options?: VerifyOptions): Promise<VerifyReport> {
    return this.#packs.verify(options)
  }

  verifyPacks(options?: VerifyOptions): AsyncGenerator<PackVerified, void, undefined> {
    return this.#packs.verifyPacks(options)
  }

  async explain(cid: CID, options?: CallOptions): Promise<Explanation> {
    const explanation = await this.#packs.explain(cid, options)
    if (explanation.state !== 'absent') return explanation
    if (this.#migration.old.isDamaged(cid)) {
      const why =
        'Its file in the store of an older version does not hold it: it is not answered until it is put again.'
      return { cid, state: 'damaged', synced: false, claim: 'unknown', why }
    }
    if (this.#migration.isDone) return explanation
    const size = await this.#migration.old.size(cid)
    // It may have moved in between.
    if (size === undefined) return this.#packs.explain(cid, options)
    const why =
      'It lies in a file of the store of an older version and moves to a pack when there is room. Only a collection removes it.'
    return { cid, state: 'kept', size, synced: false, claim: 'unknown', why }
  }

  stats(): BlocksStats {
    return this.#packs.stats()
  }

  async close(): Promise<void> {
    await this.#migration.close()
    await this.#packs.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #entries(options: CallOptions | undefined): Promise<number> {
    if (this.#migration.isDone) return this.#packs.stats().entries
    let entries = 0
    for await (const _ of this.list(options)) entries += 1
    return entries
  }

  /** The packs, then the files, then the packs again: a block moves one way only. */
  async #either<T>(fromPacks: () => Promise<T | undefined>, fromFiles: () => Promise<T | undefined>) {
    const { isDone } = this.#migration
    const found = await fromPacks()
    if (found !== undefined || isDone) return found
    return (await fromFiles()) ?? fromPacks()
  }
}
