/**
 * Moves the blocks of an old store into packs, in the background: batch by batch, and a file goes only when its block was
 * read back, verified, from a pack. It can die at any moment: what is in both places then is found by the next one.
 *
 * At first all is moved to kept packs. When there is no room for that, the pins are walked: what they reach goes to kept
 * packs, the rest to the cache while much is free, or stays in its files until garbage is collected.
 */
import { channel } from 'node:diagnostics_channel'
import { type Blocks, BlocksError, type Claim, type Stream, type Visited } from '@ipfs-kit/blocks'
import {
  createEvent,
  createKeyedLock,
  createOwner,
  moveOnAfter,
  moveOnAt,
  now,
  type Owner,
  type Scope,
  shield,
  type Task,
} from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { IpfsError, type IpfsErrorCode } from './errors.ts'
import type { CallOptions, MigrationProgress, RunMigration } from './ipfs.ts'
import { type BatchParts, isFull, Pace } from './migration-batch.ts'
import { MigrationCount } from './migration-count.ts'
import { type BatchLimits, movePass } from './migration-pass.ts'
import type { OldBlocks } from './old-blocks.ts'
import { OldHolds } from './old-holds.ts'
import { pinnedBlocks, type PinnedSource, reachedBlocks } from './pinned-blocks.ts'
import { storeFailure } from './store-failure.ts'

/** Options of {@link Migration}. */
export interface MigrationOptions extends Partial<BatchLimits> {
  readonly old: OldBlocks
  /** The pins of now. */
  readonly pins: PinnedSource['pins']
  /** Default `at-opening`. */
  readonly migrates?: 'at-opening' | 'when-run'
  /** Bytes read a second at most, where each file counts 4 KiB more than it has. Default 67,108,864 (64 MiB). */
  readonly bytesPerSecond?: number
  /** How long closing waits for the running batch. Default 5,000. */
  readonly closeMs?: number
}

type Packs = Pick<Blocks, 'lease' | 'get' | 'stats'>

const progressChannel = channel('ipfs:migration')
/** Least time between two attempts when room may have appeared; it is also four times as long as an attempt takes. */
const minPauseMs = 1000

/** One migration, from the opening of a node to its end or that of the blocks. */
export class Migration implements RunMigration {
  readonly old: OldBlocks
  /** Who moves or removes a block has it alone for that time, and nobody waits for those that others have. */
  readonly turns = createKeyedLock<string>({ name: 'turns of blocks that move' })
  readonly holds = new OldHolds()
  readonly #options: Required<Omit<MigrationOptions, 'old' | 'pins' | 'migrates'>>
  /** Who runs it; the background is one of them. */
  readonly #runners = new Set<RunOptions>()
  readonly #pins: PinnedSource['pins']
  readonly #closing = new AbortController()
  readonly #count: MigrationCount
  readonly #pace: Pace
  #owner: Owner | undefined
  #packs: Packs | undefined
  #task: Task<void> | undefined
  #closed: Promise<void> | undefined
  /** Aborted with the closing, and when nobody runs it any more. */
  #stopping: AbortSignal
  #stop = new AbortController()
  #state: MigrationProgress['state'] = 'stopped'
  #error: unknown
  #ended = createEvent({ name: 'end of the migration' })
  /** Somebody made room, or collected garbage. */
  #room = createEvent({ name: 'room for the migration' })
  #collected = createEvent({ name: 'collection for the migration' })
  /** Whether it is known that not all fits: then garbage may go from packs before all is in them. */
  #isTight = false

  constructor({ old, pins, migrates = 'at-opening', ...options }: MigrationOptions) {
    this.old = old
    this.#pins = pins
    if (migrates === 'at-opening') this.#runners.add({})
    else this.#ended.set()
    this.#stopping = this.#closing.signal
    this.#options = {
      bytesPerSecond: 67_108_864,
      batchBlocks: 4096,
      batchBytes: 67_108_864,
      batchMs: 500,
      closeMs: 5000,
      ...options,
    }
    this.#count = new MigrationCount(old)
    this.#pace = new Pace(this.#options.bytesPerSecond)
  }

  /** Whether all is in packs. */
  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** Begins, unless it waits for those who run it. What it fails with is in `progress`. */
  begin(packs: Packs): void {
    this.#packs = packs
    this.#owner = createOwner({ name: 'migration of blocks' })
    this.#owner.spawn(() => this.#count.look(), { name: 'count' })
    if (this.#runners.size > 0) this.#begin(packs, this.#owner)
  }

  async run(options: RunOptions = {}): Promise<MigrationProgress> {
    const { signal } = options
    signal?.throwIfAborted()
    if (this.#closing.signal.aborted) throw new IpfsError('IPFS_CLOSED', 'The node was closed')
    if (this.isDone) return this.progress()
    const runner = { ...options }
    this.#runners.add(runner)
    try {
      // Who left a moment ago has stopped it, and its batch comes to its end.
      while (this.#stop.signal.aborted && this.#task?.state === 'pending') await this.#task.join({ signal })
      if (this.#task?.state !== 'pending') this.#begin(this.#packs!, this.#owner!)
      await this.#task!.join({ signal })
    } finally {
      this.#runners.delete(runner)
      if (this.#runners.size === 0) await shield(() => this.#halt())
    }
    if (this.#closing.signal.aborted) throw new IpfsError('IPFS_CLOSED', 'The node was closed')
    if (this.#error !== undefined) throw storeFailure(this.#error)
    return this.progress()
  }

  #begin(packs: Packs, owner: Owner): void {
    this.#stop = new AbortController()
    this.#stopping = AbortSignal.any([this.#closing.signal, this.#stop.signal])
    this.#state = 'running'
    this.#error = undefined
    if (this.#ended.isSet) this.#ended = createEvent({ name: 'end of the migration' })
    this.#task = owner.spawn((scope) => this.#run(packs, scope), { name: 'migration' })
  }

  /** Lets the running batch come to its end, and no other one begin. */
  async #halt(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#task?.join()
  }

  progress(): MigrationProgress {
    const error = this.#error === undefined ? {} : { error: toldOf(this.#error) }
    return Object.freeze({ state: this.#state, ...this.#count.progress(), ...error })
  }

  /** What is claimed in packs: during the move it is found by a walk over both stores. @throws IpfsError IPFS_NOT_MIGRATED */
  claims(): Iterable<Claim> | AsyncIterable<Claim> {
    if (this.isDone) return this.#pins()
    if (!this.#isTight) throw this.#notMigrated()
    return this.#claimsOfBoth()
  }

  /** Waits until it has ended, or only room is missing. @throws IpfsError IPFS_NOT_MIGRATED if it has stopped for another reason */
  async settled(options?: CallOptions): Promise<void> {
    do {
      await this.#ended.wait({ signal: options?.signal })
      if (this.#closing.signal.aborted) throw new BlocksError('BLOCKS_CLOSED', 'The store is closed')
      if (this.isDone || (isFull(this.#error) && this.#count.left === 0)) return
      // Whoever has made room may have let it go on already.
    } while (this.#state === 'running')
    throw this.#notMigrated()
  }

  /** The blocks that the pins reach, in packs and in files. @throws BlocksError BLOCKS_MARK_INCOMPLETE */
  reached(signal?: AbortSignal): Promise<Visited> {
    return reachedBlocks({ pins: this.#pins, get: (cid) => this.#get(cid) }, signal)
  }

  /** A block was removed by other hands, perhaps from a file: there may be room. */
  removed(cid: CID, fromFile: boolean): void {
    if (fromFile) this.#count.removed(cid)
    this.#room.set()
  }

  /** If it waits for room it tries again at once. Waits for the end of that. */
  async goOn(options?: CallOptions): Promise<void> {
    const isWaiting = this.#state === 'stopped' && isFull(this.#error)
    if (this.#task?.state !== 'pending' || !(isWaiting || this.#state === 'running')) return
    if (this.#ended.isSet) this.#ended = createEvent({ name: 'end of the migration' })
    this.#wake()
    await this.#ended.wait({ signal: options?.signal })
  }

  /** Lets the running batch come to its end, then stops it. Idempotent. */
  close(): Promise<void> {
    return (this.#closed ??= shield(() => this.#close()))
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    this.#wake()
    await moveOnAfter(this.#options.closeMs, async () => await this.#task?.join())
    await this.#owner?.close()
    // Nobody waits for what will not come.
    this.#ended.set()
  }

  async #run(packs: Packs, scope: Scope): Promise<void> {
    for (;;) {
      const from = now()
      try {
        this.#publish()
        this.#end(await this.#moveAll(packs, scope))
      } catch (error) {
        this.#end(scope.cancelled || this.#stopping.aborted ? closed : error)
      }
      if (!isFull(this.#error) || this.#stopping.aborted) return
      await this.#roomAppears(now() + Math.max(minPauseMs, 4 * (now() - from)))
      if (this.#stopping.aborted) return
      this.#state = 'running'
      this.#error = undefined
      if (this.#ended.isSet) this.#ended = createEvent({ name: 'end of the migration' })
    }
  }

  #end(problem: unknown): void {
    this.#state = problem === undefined ? 'done' : 'stopped'
    this.#error = problem === closed ? undefined : problem
    this.#count.end(this.isDone)
    this.#ended.set()
    this.#publish()
  }

  /** A collection goes before the pause; what was deleted waits for its end. */
  async #roomAppears(notBefore: number): Promise<void> {
    await moveOnAt(notBefore, () => this.#collected.wait())
    if (!this.#collected.isSet) await this.#room.wait()
    this.#room = createEvent({ name: 'room for the migration' })
    if (!this.#closing.signal.aborted) this.#collected = createEvent({ name: 'collection for the migration' })
  }

  #wake(): void {
    this.#collected.set()
    this.#room.set()
  }

  /** Why not all is in packs; `undefined` if it is. */
  async #moveAll(packs: Packs, scope: Scope): Promise<unknown> {
    this.#count.beginPass()
    let problem = this.#isTight ? undefined : await this.#pass(packs, 'kept', () => true)
    if (this.#isTight || isFull(problem)) {
      this.#isTight = true
      problem = await this.#moveByPins(packs, scope)
      if (isFull(problem)) problem = this.#count.full(packs.stats(), problem)
    }
    problem ??= this.#count.leftBecause
    if (problem === undefined) await this.old.sync()
    return problem
  }

  async #moveByPins(packs: Packs, scope: Scope): Promise<unknown> {
    this.#count.beginPass()
    try {
      const reached = await this.reached(AbortSignal.any([scope.signal, this.#stopping]))
      return (
        (await this.#pass(packs, 'kept', (cid) => reached.has(cid))) ??
        (await this.#pass(packs, 'cache', (cid) => !reached.has(cid)))
      )
    } catch (error) {
      if (!(error instanceof BlocksError && error.code === 'BLOCKS_MARK_INCOMPLETE')) throw error
      return new BlocksError('BLOCKS_FULL', error.message, { cause: error })
    }
  }

  async #pass(packs: Packs, stream: Stream, isWanted: (cid: CID) => boolean): Promise<unknown> {
    const count = this.#count
    const parts: BatchParts = {
      packs,
      old: this.old,
      turns: this.turns,
      holds: this.holds,
      pace: this.#pace,
      copied: () => count.copied(),
      moved: (cid, bytes) => count.moved(cid, bytes),
      damaged: (cid) => count.damaged(cid),
      left: (error) => count.leave(error),
    }
    const hasRoom = (): boolean => stream === 'kept' || isRoomy(packs)
    const ended = async (shard: string): Promise<void> => {
      await count.lookAt(shard)
      this.#publish()
    }
    const signal = this.#stopping
    const pass = { parts, limits: this.#options, stream, isWanted, hasRoom, ended, signal }
    const problem = await movePass(pass)
    return signal.aborted ? closed : problem
  }

  async *#claimsOfBoth(): AsyncGenerator<Claim, void, undefined> {
    const source = { pins: this.#pins, get: (cid: CID) => this.#get(cid) }
    for await (const cid of pinnedBlocks(source, this.#closing.signal)) yield { cid, depth: 0 }
  }

  /** The packs, then the files, then the packs again: a block moves one way only. */
  async #get(cid: CID): Promise<Uint8Array | undefined> {
    const packs = this.#packs!
    return (await packs.get(cid)) ?? (await this.old.get(cid)) ?? packs.get(cid)
  }

  #notMigrated(): IpfsError {
    const told = this.#error === undefined ? undefined : toldOf(this.#error)
    const pause = this.#state === 'running' ? 'is under way' : 'is paused'
    const why = told === undefined ? pause : `has stopped (${told.code}: ${told.message})`
    return new IpfsError('IPFS_NOT_MIGRATED', `The move of the blocks of an older version into packs ${why}`)
  }

  #publish(): void {
    if (progressChannel.hasSubscribers) progressChannel.publish(this.progress())
    for (const { onProgress } of this.#runners) onProgress?.(this.progress())
  }
}

type RunOptions = NonNullable<Parameters<RunMigration['run']>[0]>

/** Why it stops when the node is closed, or nobody runs it. */
const closed = Symbol('closed')

/** Whether so much is free that nothing has to go for what comes: the store begins to make room at half of that. */
function isRoomy(packs: Pick<Blocks, 'stats'>): boolean {
  const { packBytes, maxBytes } = packs.stats()
  return maxBytes - packBytes > maxBytes / 8
}

function toldOf(error: unknown): { readonly code: IpfsErrorCode; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error)
  return Object.freeze({ code: isFull(error) ? 'IPFS_STORE_FULL' : 'IPFS_STORE_FAILED', message })
}
