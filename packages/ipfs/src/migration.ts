/**
 * Moves the blocks of an old store into kept packs, in the background: batch by batch, and a file goes only when its block
 * was read back, verified, from a pack that is synced. It can die at any moment: what is in both places then is found
 * by the next one.
 */
import { channel } from 'node:diagnostics_channel'
import { type Blocks, BlocksError, type Lease } from '@ipfs-kit/blocks'
import {
  createEvent,
  createLock,
  createOwner,
  type Lock,
  map,
  now,
  type Owner,
  type Scope,
  sleepUntil,
  TaskGroupError,
} from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { IpfsError, type IpfsErrorCode } from './errors.ts'
import type { CallOptions, MigrationProgress } from './ipfs.ts'
import type { OldBlocks } from './old-blocks.ts'

/** Options of {@link Migration}. */
export interface MigrationOptions {
  readonly old: OldBlocks
  /** Bytes read a second at most, where each file counts 4 KiB more than it has. Default 67,108,864 (64 MiB). */
  readonly bytesPerSecond?: number
  /** After so many blocks or bytes they are synced, read back, and their files removed. Default 4,096 and 64 MiB. */
  readonly batchBlocks?: number
  readonly batchBytes?: number
}

type Packs = Pick<Blocks, 'lease' | 'get'>

/** Some blocks; a shard that was read to its end is named after its last ones. */
type Groups = AsyncGenerator<{ readonly cids: readonly CID[]; readonly endOf?: string }, void, undefined>

interface Copied {
  readonly cid: CID
  readonly bytes: number
}

const filesAtOnce = 8
const fileCostBytes = 4096
/** Who was slower than the rate may catch up with so much of it. */
const arrearsMs = 100

const progressChannel = channel('ipfs:migration')

/** One migration, from the opening of a node to its end or that of the blocks. */
export class Migration {
  readonly old: OldBlocks
  /** Held for each batch, and by whoever removes a block that may be on its way. */
  readonly turn: Lock = createLock({ name: 'batch of the migration' })
  readonly #options: Required<Omit<MigrationOptions, 'old'>>
  readonly #ended = createEvent({ name: 'end of the migration' })
  readonly #startedAt = now()
  #owner: Owner | undefined
  #state: MigrationProgress['state'] = 'running'
  #error: { readonly code: IpfsErrorCode; readonly message: string } | undefined
  #blocks = 0
  #ofBlocks: number | undefined
  #bytes = 0
  #damaged = 0
  #endedAt: number | undefined
  /** When the next file may be read. */
  #due = 0
  /** Blocks for which there was no room, and what the store said. */
  readonly #refused: CID[] = []
  #full: Error | undefined

  constructor({
    old,
    bytesPerSecond = 67_108_864,
    batchBlocks = 4096,
    batchBytes = 67_108_864,
  }: MigrationOptions) {
    this.old = old
    this.#options = { bytesPerSecond, batchBlocks, batchBytes }
  }

  /** Whether all is in packs. */
  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** Begins. What it fails with is in `progress`. */
  begin(packs: Packs): void {
    this.#owner = createOwner({ name: 'migration of blocks' })
    this.#owner.spawn((scope) => this.#run(packs, scope), { name: 'migration' })
  }

  progress(): MigrationProgress {
    const seconds = Math.max(((this.#endedAt ?? now()) - this.#startedAt) / 1000, 0.001)
    return Object.freeze({
      state: this.#state,
      blocks: this.#blocks,
      ...(this.#ofBlocks === undefined ? {} : { ofBlocks: this.#ofBlocks }),
      bytes: this.#bytes,
      damaged: this.#damaged,
      bytesPerSecond: Math.round(this.#bytes / seconds),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    })
  }

  /** @throws IpfsError IPFS_NOT_MIGRATED unless all is in packs: what a pin reaches may lie in files */
  mustBeDone(): void {
    if (this.isDone) return
    const why =
      this.#error === undefined ? 'is under way' : `has stopped (${this.#error.code}: ${this.#error.message})`
    throw new IpfsError('IPFS_NOT_MIGRATED', `The move of the blocks of an older version into packs ${why}`)
  }

  /** Waits for the end. @throws IpfsError IPFS_NOT_MIGRATED if it has stopped */
  async done(options?: CallOptions): Promise<void> {
    await this.#ended.wait({ signal: options?.signal })
    this.mustBeDone()
  }

  /** Stops it. Idempotent. */
  async close(): Promise<void> {
    await this.#owner?.close()
  }

  async #run(packs: Packs, scope: Scope): Promise<void> {
    try {
      this.#publish()
      this.#ofBlocks = await this.#count()
      const groups = this.#groups()
      for (let goesOn = true; goesOn;) {
        using _turn = await this.turn.acquire()
        goesOn = await this.#moveBatch(packs, groups)
        this.#publish()
      }
      await this.old.sync()
      this.#state = 'done'
    } catch (error) {
      this.#state = 'stopped'
      if (!scope.cancelled) this.#error = toldOf(error)
    } finally {
      this.#endedAt = now()
      this.#ended.set()
      this.#publish()
    }
  }

  async #count(): Promise<number> {
    let blocks = 0
    for (const shard of this.old.shards) {
      blocks += (await this.old.shard(shard)).cids.length
      await sleepUntil(0)
    }
    return blocks
  }

  async *#groups(): AsyncGenerator<
    { readonly cids: readonly CID[]; readonly endOf?: string },
    void,
    undefined
  > {
    for (const shard of this.old.shards) {
      const { cids, leftovers } = await this.old.shard(shard)
      for (const path of leftovers) await this.old.removeFile(path)
      for (let at = 0; at < cids.length; at += filesAtOnce) yield { cids: cids.slice(at, at + filesAtOnce) }
      yield { cids: [], endOf: shard }
    }
  }

  /** Whether there may be more. */
  async #moveBatch(packs: Packs, groups: Groups): Promise<boolean> {
    using lease = packs.lease({ name: 'migration', stream: 'kept' })
    const copied: Copied[] = []
    const shards: string[] = []
    let bytes = 0
    let goesOn = true
    while (copied.length < this.#options.batchBlocks && bytes < this.#options.batchBytes) {
      const { value, done } = await this.#next(groups)
      if (done === true) {
        goesOn = false
        break
      }
      if (value.endOf !== undefined) shards.push(value.endOf)
      for (const block of await this.#copyAll(lease, value.cids)) {
        copied.push(block)
        bytes += block.bytes
      }
      if (this.#refused.length > 0) break
    }
    if (copied.length === 0 && this.#full !== undefined) throw this.#full
    await lease.flush()
    await eachOf(copied, async (block) => {
      await this.#removeFile(packs, block)
    })
    for (const shard of shards) await this.old.removeShard(shard)
    return goesOn
  }

  /** The blocks that found no room come again: since then the files of others may have gone. */
  async #next(groups: Groups): ReturnType<Groups['next']> {
    if (this.#refused.length === 0) return groups.next()
    this.#full = undefined
    return { value: { cids: this.#refused.splice(0) } }
  }

  async #copyAll(lease: Lease, cids: readonly CID[]): Promise<Copied[]> {
    const copied = await eachOf(cids, async (cid) => {
      try {
        return await this.#copy(lease, cid)
      } catch (error) {
        if (!isFull(error)) throw error
        this.#full = error
        this.#refused.push(cid)
        return undefined
      }
    })
    return copied.filter((block) => block !== undefined)
  }

  /** Puts a block into a pack. `undefined` if there is nothing to put. */
  async #copy(lease: Lease, cid: CID): Promise<Copied | undefined> {
    const content = await this.old.read(cid)
    if (content === undefined) return undefined
    await this.#pace(content === 'unreadable' ? 0 : content.length)
    if (content !== 'unreadable' && (await putVerified(lease, cid, content)))
      return { cid, bytes: content.length }
    await this.old.setAside(cid)
    this.#damaged += 1
    return undefined
  }

  async #removeFile(
    packs: Packs,
    { cid, bytes }: { readonly cid: CID; readonly bytes: number },
  ): Promise<void> {
    if ((await packs.get(cid)) === undefined) {
      throw new BlocksError(
        'BLOCKS_IO',
        `The block ${cid} cannot be read from the pack that it was just written to`,
      )
    }
    await this.old.remove(cid)
    this.#blocks += 1
    this.#bytes += bytes
  }

  async #pace(bytes: number): Promise<void> {
    const cost = ((bytes + fileCostBytes) / this.#options.bytesPerSecond) * 1000
    this.#due = Math.max(this.#due, now() - arrearsMs) + cost
    await sleepUntil(this.#due)
  }

  #publish(): void {
    if (progressChannel.hasSubscribers) progressChannel.publish(this.progress())
  }
}

/** Whether the bytes are those of the block; then they are put. */
async function putVerified(lease: Lease, cid: CID, bytes: Uint8Array): Promise<boolean> {
  try {
    await lease.put(cid, bytes, { verify: 'now' })
    return true
  } catch (error) {
    if (error instanceof BlocksError && error.code === 'BLOCKS_MISMATCH') return false
    throw error
  }
}

/** `map`, whose first failure is told as it is. */
async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  try {
    return await map(items, work, { concurrency: filesAtOnce })
  } catch (error) {
    throw error instanceof TaskGroupError ? error.flatten()[0] : error
  }
}

function toldOf(error: unknown): { readonly code: IpfsErrorCode; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error)
  return Object.freeze({ code: isFull(error) ? 'IPFS_STORE_FULL' : 'IPFS_STORE_FAILED', message })
}

function isFull(error: unknown): error is BlocksError {
  return error instanceof BlocksError && error.code === 'BLOCKS_FULL'
}
