/** An open store. */
import { createOwner, map, type Owner, shield, TaskGroupError } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import type {
  Blocks,
  BlocksStats,
  CallOptions,
  CollectOptions,
  CollectProgress,
  CollectReport,
  CompactReport,
  Explanation,
  Lease,
  LeaseOptions,
  Listed,
  MarkReport,
  PackVerified,
  Pair,
  PutOptions,
  RangeOptions,
  Unverified,
  VerifyOptions,
  VerifyReport,
} from './blocks.ts'
import { deleteKey } from './delete-key.ts'
import { identityCode, mustMatch } from './digest.ts'
import { diskFailure } from './disk-failure.ts'
import { BlocksError } from './errors.ts'
import { explainBlock } from './explain.ts'
import { frameKinds } from './frame.ts'
import { openLease } from './lease.ts'
import { listEntries } from './listing.ts'
import { cutRange, readRange } from './range.ts'
import { cidOfKey } from './reports.ts'
import { SharedWork } from './shared-work.ts'
import { statsOf } from './store-stats.ts'
import type { Store } from './store.ts'
import { createUnverified } from './unverified.ts'
import type { Upkeep } from './upkeep.ts'
import { sumOfPacks, Verification } from './verify.ts'

/** The parts of an open store. */
export interface OpenedParts {
  readonly store: Store
  readonly upkeep: Upkeep
  /** Whose tasks write and sync. */
  readonly owner: Owner
  /** What is closed last. */
  readonly resources: AsyncDisposableStack
}

/** Puts of {@link Blocks.putMany} that run at once. */
const putsAtOnce = 32

/** See {@link Blocks}. */
export class OpenedBlocks implements Blocks {
  readonly unverified: Unverified
  readonly #parts: OpenedParts
  readonly #store: Store
  /** Whose tasks are ended by closing: what callers share. */
  readonly #work = createOwner({ name: 'work on blocks' })
  readonly #marks: SharedWork<MarkReport>
  readonly #collections: SharedWork<CollectReport, CollectProgress>
  #closing: Promise<void> | undefined

  constructor(parts: OpenedParts) {
    this.#parts = parts
    this.#store = parts.store
    this.unverified = createUnverified(parts.store)
    this.#marks = new SharedWork(this.#work, 'mark', () => parts.upkeep.mark())
    this.#collections = new SharedWork(this.#work, 'collect', (tell) => parts.upkeep.collect(tell))
  }

  async put(cid: CID, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    if (cid.multihash.code === identityCode) return
    if (options.verify !== 'on-read') {
      const checked = mustMatch(cid, bytes)
      if (checked !== undefined) await checked
    }
    const { signal } = options
    await this.#store.puts.put(this.#store.blockKey(cid), bytes, { signal, stream: 'cache', leased: false })
  }

  async *putMany(
    pairs: Iterable<Pair> | AsyncIterable<Pair>,
    options: PutOptions = {},
  ): AsyncGenerator<CID, void, undefined> {
    this.#store.check(options)
    let batch: Pair[] = []
    for await (const pair of pairs) {
      batch.push(pair)
      if (batch.length < putsAtOnce) continue
      yield* await this.#putAll(batch, options)
      batch = []
    }
    yield* await this.#putAll(batch, options)
  }

  async get(cid: CID, options?: CallOptions): Promise<Uint8Array | undefined> {
    if (cid.multihash.code === identityCode) return cid.multihash.digest
    return this.#store.get(this.#store.blockKey(cid), options)
  }

  async getRange(cid: CID, options: RangeOptions = {}): Promise<Uint8Array | undefined> {
    if (cid.multihash.code === identityCode) {
      const { digest } = cid.multihash
      const { from, to } = cutRange(options, digest.length)
      return digest.subarray(from, to)
    }
    return readRange(this.#store, this.#store.blockKey(cid), options)
  }

  async has(cid: CID, options?: CallOptions): Promise<boolean> {
    this.#store.check(options)
    if (cid.multihash.code === identityCode) return true
    return (await this.#store.lookup.withEntry(this.#store.blockKey(cid), () => true)) ?? false
  }

  async size(cid: CID, options?: CallOptions): Promise<number | undefined> {
    this.#store.check(options)
    if (cid.multihash.code === identityCode) return cid.multihash.digest.length
    const { catalog } = this.#store.parts
    return this.#store.lookup.withEntry(this.#store.blockKey(cid), (handle) => catalog.length(handle))
  }

  async delete(cid: CID, options?: CallOptions): Promise<boolean> {
    this.#store.check(options)
    if (cid.multihash.code === identityCode) return false
    return deleteKey(this.#store, this.#store.blockKey(cid), options)
  }

  async *list(options?: CallOptions): AsyncGenerator<Listed, void, undefined> {
    for await (const { kind, key, size, stream } of listEntries(this.#store, options)) {
      if (kind === frameKinds.block) yield { cid: cidOfKey(key), size, stream }
    }
  }

  lease(options?: LeaseOptions): Lease {
    return openLease(this.#store, options)
  }

  noteRetained(roots?: readonly CID[]): void {
    this.#store.retention.note(roots)
  }

  async mark(options?: CallOptions): Promise<MarkReport> {
    return this.#shared(this.#marks, options)
  }

  async collect(options?: CollectOptions): Promise<CollectReport> {
    return this.#shared(this.#collections, options)
  }

  async compact(options: CallOptions & { readonly minDeadShare?: number } = {}): Promise<CompactReport> {
    const { minDeadShare = 0.25 } = options
    if (!(minDeadShare >= 0 && minDeadShare <= 1)) {
      throw new RangeError(`minDeadShare is from 0 to 1, not ${minDeadShare}`)
    }
    const work = new SharedWork(this.#work, 'compact', () => this.#parts.upkeep.compact(minDeadShare))
    return this.#shared(work, options)
  }

  verify(options?: VerifyOptions): Promise<VerifyReport> {
    return sumOfPacks(this.verifyPacks(options))
  }

  async *verifyPacks(options: VerifyOptions = {}): AsyncGenerator<PackVerified, void, undefined> {
    const verification = new Verification(this.#store, options)
    const { signal } = options
    const waiting = signal === undefined ? {} : { signal }
    for (;;) {
      const next = new SharedWork(this.#work, 'verify', () => verification.next())
      const verified = await this.#shared(next, waiting)
      if (verified === undefined) return
      yield verified
    }
  }

  async explain(cid: CID, options?: CallOptions): Promise<Explanation> {
    this.#store.check(options)
    return explainBlock(this.#store, cid)
  }

  stats(): BlocksStats {
    return statsOf(this.#store, this.#parts.upkeep)
  }

  close(): Promise<void> {
    return (this.#closing ??= shield(() => this.#close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { store, upkeep, owner, resources } = this.#parts
    store.close()
    store.parts.room.close(closed)
    await this.#work.close()
    await upkeep.close()
    const { kept, cache } = store.parts.streams
    try {
      // Each ends its pack with a footer, so that the next opening has nothing to scan.
      for (const stream of [kept, cache]) {
        stream.roll()
        await stream.sealed()
      }
      if (kept.syncFailure === undefined) await kept.sync()
    } finally {
      await owner.close()
      await resources.disposeAsync()
    }
  }

  async #putAll(pairs: readonly Pair[], options: PutOptions): Promise<readonly CID[]> {
    try {
      return await map(pairs, async ({ cid, bytes }) => {
        await this.put(cid, bytes, options)
        return cid
      })
    } catch (error) {
      // Whoever puts many learns what a single put would have told: the first failure ended the others.
      throw error instanceof TaskGroupError ? (error.flatten()[0] ?? error) : error
    }
  }

  async #shared<T, Told>(
    work: SharedWork<T, Told>,
    options: Parameters<SharedWork<T, Told>['run']>[0],
  ): Promise<T> {
    this.#store.check(options)
    try {
      return await work.run(options)
    } catch (error) {
      options?.signal?.throwIfAborted()
      if (this.#closing !== undefined) throw closed()
      throw diskFailure(error, work.name)
    }
  }
}

function closed(): BlocksError {
  return new BlocksError('BLOCKS_CLOSED', 'The store is closed')
}
