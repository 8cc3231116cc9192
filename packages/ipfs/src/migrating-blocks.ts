/**
 * A pack store and the old store that is being moved into it, as one: a block is where it is, and counts once. What is
 * written goes to the packs.
 */
import {
  type Blocks,
  type BlocksStats,
  type CallOptions,
  type CollectReport,
  type CompactReport,
  createVisited,
  type Explanation,
  type Lease,
  type LeaseOptions,
  type Listed,
  type MarkReport,
  type Pair,
  type PutOptions,
  type RangeOptions,
  type Unverified,
  type VerifyOptions,
  type VerifyReport,
} from '@ipfs-kit/blocks'
import type { CID } from 'multiformats/cid'
import type { Migration } from './migration.ts'

/**
 * The packs with what an old store still holds. Until all has moved `collect`, `mark` and `compact` wait for it, and
 * reject with `IPFS_NOT_MIGRATED` if it has stopped. Closing stops the migration, then closes the packs.
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
    const { offset = 0, length = Number.MAX_SAFE_INTEGER, ...call } = options
    return this.#either(
      () => this.#packs.getRange(cid, options),
      async () => {
        const bytes = await this.#migration.old.get(cid)
        call.signal?.throwIfAborted()
        if (bytes === undefined || (offset >= 0 && offset <= bytes.length && length >= 0)) {
          return bytes?.subarray(offset, offset + length)
        }
        throw new RangeError(`The range ${offset}, ${length} is not in a block of ${bytes.length} bytes`)
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
    const { old, turn } = this.#migration
    if (this.#migration.isDone) return this.#packs.delete(cid, options)
    // Between two batches: what is being copied would come back.
    using _turn = await turn.acquire({ signal: options?.signal })
    const wasInPacks = await this.#packs.delete(cid, options)
    // Held by a lease.
    if (!wasInPacks && (await this.#packs.has(cid, options))) return false
    return (await old.remove(cid)) || wasInPacks
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
        if (seen.add(block.cid)) yield block
      }
    }
    for await (const block of this.#packs.list(options)) if (!seen.has(block.cid)) yield block
  }

  lease(options?: LeaseOptions): Lease {
    const lease = this.#packs.lease(options)
    return this.#migration.isDone ? lease : new MigratingLease(lease, this.#migration)
  }

  async mark(options?: CallOptions): Promise<MarkReport> {
    await this.#migration.done(options)
    return this.#packs.mark(options)
  }

  async collect(options?: CallOptions): Promise<CollectReport> {
    await this.#migration.done(options)
    return this.#packs.collect(options)
  }

  async compact(options?: CallOptions & { readonly minDeadShare?: number }): Promise<CompactReport> {
    await this.#migration.done(options)
    return this.#packs.compact(options)
  }

  verify(options?: VerifyOptions): Promise<VerifyReport> {
    return this.#packs.verify(options)
  }

  async explain(cid: CID, options?: CallOptions): Promise<Explanation> {
    const explanation = await this.#packs.explain(cid, options)
    if (this.#migration.isDone || explanation.state !== 'absent') return explanation
    const size = await this.#migration.old.size(cid)
    // It may have moved in between.
    if (size === undefined) return this.#packs.explain(cid, options)
    const why =
      'It lies in a file of the store of an older version and will be moved to a kept pack. Nothing removes it before.'
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

  /** The packs, then the files, then the packs again: a block moves one way only. */
  async #either<T>(fromPacks: () => Promise<T | undefined>, fromFiles: () => Promise<T | undefined>) {
    const { isDone } = this.#migration
    const found = await fromPacks()
    if (found !== undefined || isDone) return found
    return (await fromFiles()) ?? fromPacks()
  }
}

/** A lease that finds the blocks of the old store too: what it holds there moves to a pack at once. */
class MigratingLease implements Lease {
  readonly #lease: Lease
  readonly #migration: Migration

  constructor(lease: Lease, migration: Migration) {
    this.#lease = lease
    this.#migration = migration
  }

  get name(): string {
    return this.#lease.name
  }

  async put(cid: CID, bytes: Uint8Array, options?: PutOptions): Promise<'new' | 'found'> {
    // Whoever takes back what is new must not take what was there.
    const isThere = !this.#migration.isDone && (await this.#migration.old.size(cid)) !== undefined
    const outcome = await this.#lease.put(cid, bytes, options)
    return isThere ? 'found' : outcome
  }

  async hold(cid: CID, options?: CallOptions): Promise<boolean> {
    if (await this.#lease.hold(cid, options)) return true
    if (this.#migration.isDone) return this.#lease.hold(cid, options)
    const bytes = await this.#migration.old.get(cid)
    if (bytes === undefined) return this.#lease.hold(cid, options)
    await this.#lease.put(cid, bytes, { verify: 'on-read' })
    return true
  }

  flush(options?: CallOptions): Promise<void> {
    return this.#lease.flush(options)
  }

  close(): void {
    this.#lease.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
