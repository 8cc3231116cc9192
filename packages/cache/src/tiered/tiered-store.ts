/** The store that several tiers are: its calls, put together from searches, writes and sweeps. */
import { keyOfBytes, matches } from '@ipfs-kit/blocks'
import { cancelScope, createKeyedLock, createOwner, now, type Owner, sleep } from '@ipfs-kit/concurrency'
import {
  type Arrivals,
  type Body,
  type CallOptions,
  checkGet,
  checkKey,
  checkList,
  checkPut,
  createArrivals,
  gather,
  type GetOptions,
  type ListOptions,
  type ListPage,
  type ObjectStat,
  type ProbeReport,
  probeByRoundTrip,
  type PutOptions,
  type StorageBackend,
  StorageError,
  type StoredObject,
  type Supports,
  type Wanted,
  windowIn,
  windowOf,
} from '@ipfs-kit/storage'
import { CID } from 'multiformats/cid'
import { CacheError } from '../errors.ts'
import { type BatchItem, type BatchOptions, checkBatch, eachOf, type Source } from './batch.ts'
import { openBody, type OpenedBody } from './body.ts'
import { type ClearedTier, clearTiers } from './clear.ts'
import { type Content, Contents } from './content.ts'
import { type DemotionReport, demoteCold } from './demotion.ts'
import { type KeyExplanation, explainKey } from './explain.ts'
import { forget } from './forget.ts'
import { KnownKeys } from './known-keys.ts'
import { leave } from './leave.ts'
import { listPage, readMark, statIn } from './listing.ts'
import { type MoveReport, moveKey } from './move.ts'
import type { Parts } from './parts.ts'
import type { CheckedPolicy } from './policy.ts'
import { type QueryItem, queryTiers } from './query.ts'
import { Reads } from './reads.ts'
import { type Found, tiersFailed, type Unanswered } from './search.ts'
import { supportsOf } from './supports.ts'
import { Tier } from './tier.ts'
import { Writes } from './writes.ts'
import type { PutItem, ReadOptions, Tiered, TieredStats } from './tiered.ts'

export class TieredStore implements Tiered {
  readonly name: string
  readonly failureDomain: string
  readonly supports: Supports
  readonly #policy: CheckedPolicy
  readonly #owner: Owner
  readonly #parts: Parts
  readonly #contents: Contents
  readonly #reads: Reads
  readonly #writes: Writes
  readonly #startedMs: number
  readonly #closing = new AbortController()
  readonly #arrivals: Arrivals
  #isClosed = false

  constructor(backends: readonly StorageBackend[], policy: CheckedPolicy) {
    const { name, keys, rules, breaker, maxKeys, heatHalfLifeMs } = policy
    this.name = name
    this.failureDomain = policy.failureDomain
    this.#policy = policy
    this.#arrivals = createArrivals({
      maxBytes: policy.maxArrivingBytes,
      maxBodyBytes: policy.maxValueBytes,
    })
    const owner = createOwner({ name })
    this.#owner = owner
    const clock = policy.now ?? (() => now({ scope: owner.scope }))
    const tiers = backends.map(
      (backend, index) =>
        new Tier({ cache: name, index, backend, rules: rules[index]!, breaker, owner, now: clock }),
    )
    for (const tier of tiers) tier.memory?.claim()
    const stores = tiers.filter((tier) => tier.rules.role === 'store')
    const memory = tiers.find((tier) => tier.memory !== undefined)
    this.#parts = {
      policy,
      tiers,
      stores: stores.length === 0 ? tiers : stores,
      memory: memory === undefined ? undefined : { tier: memory, cache: memory.memory! },
      known: new KnownKeys({ maxKeys, halfLifeMs: heatHalfLifeMs, now: clock }),
      locks: createKeyedLock({ name: 'keys of a tiered store' }),
      carried: { count: 0 },
      forgotten: { count: 0 },
      owner,
    }
    this.supports = supportsOf(this.#parts)
    this.#contents = new Contents(keys)
    this.#reads = new Reads(this.#parts)
    this.#writes = new Writes(this.#parts, this.#reads)
    this.#startedMs = clock()
    if (policy.demoteEveryMs !== undefined) this.#sweepEvery(policy.demoteEveryMs)
  }

  peek(key: string): Uint8Array | undefined {
    if (this.#isClosed || typeof key !== 'string') return undefined
    const bytes = this.#reads.fromMemory(key)
    if (bytes !== undefined || this.#contents.keys === 'any') return bytes
    const alias = this.#contents.alias(key)
    return alias === undefined || alias === key ? undefined : this.#reads.fromMemory(alias)
  }

  inMemory(key: string): boolean {
    const memory = this.#parts.memory?.cache
    if (memory === undefined || this.#isClosed) return false
    return memory.has(key) || memory.has(this.#contents.alias(key) ?? key)
  }

  async getBytes(key: string | CID, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    options.signal?.throwIfAborted()
    const bytes = this.peek(key instanceof CID ? key.toString() : key)
    if (bytes !== undefined) return bytes
    this.#closing.signal.throwIfAborted()
    const content = key instanceof CID ? this.#contents.ofCid(key) : this.#contents.of(key)
    if (options.promote === true) this.#reads.willPromote(content)
    const found = await this.#search(content, options)
    if (found === undefined) return undefined
    if (found.reading.kind === 'whole') return found.reading.bytes
    const object = await this.#openFound(content, found, everything, this.#enter(options))
    if (object === undefined) return undefined
    const { size, body } = object
    const { maxValueBytes } = this.#policy
    if (size <= maxValueBytes) return gather(body, { size, signal: this.#enter(options), onBytes: () => {} })
    await leave(body)
    throw new CacheError('CACHE_TOO_LARGE', `A value of ${size} bytes is above the limit of ${maxValueBytes}`)
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const signal = this.#enter(options)
    const wanted = checkGet(options)
    const bytes = this.peek(key)
    if (bytes !== undefined) return windowIn(this.#statOf(key, bytes.length), bytes, wanted, signal)
    const content = this.#contents.of(key)
    const found = await this.#search(content, { signal })
    if (found === undefined) return undefined
    if (found.reading.kind === 'whole') {
      const { bytes } = found.reading
      return windowIn(this.#statOf(key, bytes.length), bytes, wanted, signal)
    }
    const opened = await this.#openFound(content, found, wanted, signal)
    return opened && { ...this.#statOf(key, opened.size), ...opened }
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    const signal = this.#enter(options)
    const content = this.#contents.of(key)
    const size = await inSignal(signal, () => this.#reads.sizeOf(content))
    return size === undefined ? undefined : this.#statOf(key, size)
  }

  async has(key: string, options: CallOptions = {}): Promise<boolean> {
    return (await this.stat(key, options)) !== undefined
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectStat> {
    const signal = this.#enter(options)
    this.#mustSupport('write')
    const { size, ifAbsent } = checkPut(options, this.supports)
    const content = this.#contents.of(key)
    using arriving = new DisposableStack()
    const arrival = arriving.use(this.#arrivals.open())
    const bytes = await gather(body, { signal, size, onBytes: (total) => arrival.growTo(total) })
    await this.#mustMatch(content, bytes)
    signal.throwIfAborted()
    // From here on the bytes are with the tiers, also when the caller has left.
    const held = arriving.move()
    await this.#writes.put(content, { bytes, ifAbsent, onEnd: () => held.dispose() }, signal)
    return this.#statOf(key, bytes.length)
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const signal = this.#enter(options)
    this.#mustSupport('delete')
    await this.#writes.delete(this.#contents.of(key), signal)
  }

  async list(options: ListOptions = {}): Promise<ListPage> {
    const signal = this.#enter(options)
    this.#mustSupport('list')
    const { prefix, limit } = checkList(options)
    const { cursor } = options
    const { stores } = this.#parts
    const mark = cursor === undefined ? undefined : readMark(cursor, prefix, stores.length)
    return inSignal(signal, () => listPage(stores, this.#contents.keys, { prefix, limit, mark }))
  }

  getMany(keys: Source<string>, options: BatchOptions & Pick<ReadOptions, 'promote'> = {}) {
    const { promote = false, ...batch } = options
    return this.#eachKey(keys, (key) => this.getBytes(key, { promote }), batch)
  }

  putMany(items: Source<PutItem>, options: BatchOptions = {}) {
    const put = ({ key, body, size }: PutItem) => this.put(key, body, size === undefined ? {} : { size })
    return this.#each(items, ({ key }) => key, put, options)
  }

  deleteMany(keys: Source<string>, options: BatchOptions = {}) {
    return this.#eachKey(keys, (key) => this.delete(key), options)
  }

  hasMany(keys: Source<string>, options: BatchOptions = {}) {
    return this.#eachKey(keys, (key) => this.has(key), options)
  }

  statMany(keys: Source<string>, options: BatchOptions = {}) {
    return this.#eachKey(keys, (key) => this.stat(key), options)
  }

  async *query(
    options: CallOptions & { readonly prefix?: string } = {},
  ): AsyncGenerator<QueryItem, void, undefined> {
    const signal = this.#enter(options)
    const { prefix = '' } = options
    if (prefix !== '') checkKey(prefix)
    const listing = this.#parts.tiers.filter((tier) => tier.backend.supports.list)
    if (listing.length === 0) this.#mustSupport('list')
    yield* queryTiers(listing, this.#contents.keys, prefix, signal)
  }

  async explain(key: string, options: CallOptions = {}): Promise<KeyExplanation> {
    const signal = this.#enter(options)
    const content = this.#contents.of(key)
    return inSignal(signal, () => explainKey(this.#parts, content))
  }

  async demote(options: CallOptions = {}): Promise<DemotionReport> {
    return this.#own('sweep', options, () => demoteCold(this.#parts, this.#contents, this.#startedMs))
  }

  async clear(options: CallOptions & { readonly tier?: string } = {}): Promise<readonly ClearedTier[]> {
    return this.#own('clearing', options, () => clearTiers(this.#parts, this.#contents, options.tier))
  }

  forget(key?: string | CID): void {
    const { flights } = this.#reads
    if (key === undefined) forget(this.#parts, flights)
    else
      forget(
        this.#parts,
        flights,
        key instanceof CID ? this.#contents.keyOf(key) : this.#contents.of(key).key,
      )
  }

  async move(key: string, to: string, options: CallOptions = {}): Promise<MoveReport | undefined> {
    return this.#own('move', options, () => moveKey(this.#parts, this.#contents.of(key), to))
  }

  async probe(options: CallOptions = {}): Promise<ProbeReport> {
    this.#enter(options)
    return probeByRoundTrip(this, this.#contents.keys === 'cid' ? { ...options, keyOf: keyOfBytes } : options)
  }

  stats(): TieredStats {
    const { flights, promotionsLeftOut } = this.#reads
    return Object.freeze({
      name: this.name,
      tiers: Object.freeze(this.#parts.tiers.map((tier) => tier.stats())),
      knownKeys: this.#parts.known.size,
      reads: Object.freeze({
        running: flights.running,
        started: flights.started,
        shared: flights.shared,
      }),
      promotionsLeftOut,
      arrivingBytes: this.#arrivals.bytes,
    })
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.#closing.abort(new StorageError('STORAGE_CLOSED', `The tiered store ${this.name} is closed`))
    }
    await this.#owner.close(`the tiered store ${this.name} was closed`)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Begins a call: the signal that ends it is that of the caller or of closing. */
  #enter({ signal }: CallOptions): AbortSignal {
    this.#closing.signal.throwIfAborted()
    signal?.throwIfAborted()
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }

  /** Runs the work of one call in a task of the store, which ends with the call. */
  async #own<T>(name: string, options: CallOptions, work: () => Promise<T>): Promise<T> {
    const signal = this.#enter(options)
    const task = this.#owner.spawn(
      async (scope): Promise<{ value: T } | { error: unknown }> => {
        try {
          return { value: await work() }
        } catch (error) {
          if (scope.cancelled) throw error
          return { error }
        }
      },
      { name },
    )
    try {
      const outcome = await task.join({ signal })
      if ('error' in outcome) throw outcome.error
      return outcome.value
    } finally {
      task.cancel(`nobody waits for this ${name} any more`)
    }
  }

  /** A value that memory does not have. What the end of the store cuts off says so. */
  async #search(content: Content, { signal }: CallOptions): Promise<Found | undefined> {
    try {
      return await this.#reads.find(content, signal === undefined ? {} : { signal })
    } catch (error) {
      signal?.throwIfAborted()
      this.#closing.signal.throwIfAborted()
      throw error
    }
  }

  /** Opens what was found and is read piece by piece. */
  async #openFound(
    content: Content,
    found: Found,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<OpenedBody | undefined> {
    windowOf(wanted, found.reading.kind === 'large' ? found.reading.size : found.reading.bytes.length)
    // From the tier where it was found on; those before had nothing, or did not answer.
    const tiers = this.#parts.tiers.slice(found.tier.index)
    const failed: Unanswered[] = []
    const object = await inSignal(signal, () =>
      openBody(tiers, content, wanted, signal, (one) => failed.push(one)),
    )
    if (object === undefined && failed.length > 0)
      throw tiersFailed(`${JSON.stringify(content.key)} cannot be read`, failed)
    return object
  }

  async #mustMatch({ key, multihash }: Content, bytes: Uint8Array): Promise<void> {
    if (multihash === undefined || (await matches(multihash, bytes))) return
    const what = `The key ${JSON.stringify(key)} is a CID, and not that of these ${bytes.length} bytes`
    throw new StorageError('STORAGE_INVALID_KEY', what)
  }

  #statOf(key: string, size: number): ObjectStat {
    return statIn(this.#contents.keys, key, size)
  }

  #mustSupport(ability: 'write' | 'delete' | 'list'): void {
    if (!this.supports[ability])
      throw new StorageError('STORAGE_NOT_SUPPORTED', `The tiers of ${this.name} do not support ${ability}`)
  }

  #eachKey<T>(keys: Source<string>, work: (key: string) => Promise<T>, options: BatchOptions) {
    return this.#each(keys, (key) => key, work, options)
  }

  async *#each<I, T>(
    source: Source<I>,
    keyOf: (item: I) => string,
    work: (item: I) => Promise<T>,
    options: BatchOptions,
  ): AsyncGenerator<BatchItem<T>, void, undefined> {
    const checked = checkBatch(options)
    const signal = this.#enter(options)
    yield* eachOf(this.#owner, source, { keyOf, run: work }, { ...checked, signal })
  }

  #sweepEvery(ms: number): void {
    this.#owner.spawn(
      async () => {
        for (;;) {
          await sleep(ms)
          await demoteCold(this.#parts, this.#contents, this.#startedMs)
        }
      },
      { name: 'sweeps' },
    )
  }
}

const everything: Wanted = { offset: 0, length: Number.MAX_SAFE_INTEGER }

/** Runs the work of one call under its signal. */
async function inSignal<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return (await cancelScope(work, { signal })) as T
}
