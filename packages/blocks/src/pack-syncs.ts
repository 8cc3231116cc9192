/** The syncs of one stream of packs: in rounds, one after the other, each for all who wait for it. */
import { createEvent, createKeyedLock, type Event, type Owner, type WaitOptions } from '@ipfs-kit/concurrency'
import { BlocksError } from './errors.ts'
import { diskFailure } from './disk-failure.ts'
import type { Pack } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'

/** What the syncs need of their stream. */
export interface PackSyncsOptions {
  readonly owner: Owner
  readonly folder: PackFolder
  /** Resolves when all that was appended so far is written, or has failed. */
  readonly written: () => Promise<void>
  /** Called once, when a sync has failed. */
  readonly onSyncFailed: () => Promise<void>
}

/** The packs of a stream that are to be synced. */
export class PackSyncs {
  readonly #options: PackSyncsOptions
  /** Packs with bytes that no sync has covered. */
  readonly #unsynced = new Set<Pack>()
  /** Packs that were begun, and how many of them a sync of the folder has covered. */
  #packsMade = 0
  #packsInFolder = 0
  #unsyncedBytes = 0
  #round: { readonly done: Event; failure: Error | undefined } | undefined
  #isSyncing = false
  #failure: BlocksError | undefined
  #count = 0
  /** Held while a pack, or the folder, is synced: of two syncs at once the system tells one alone that they failed. */
  readonly #turns = createKeyedLock<Pack | PackFolder>({ name: 'sync' })

  constructor(options: PackSyncsOptions) {
    this.#options = options
  }

  /** Syncs of packs so far. */
  get count(): number {
    return this.#count
  }

  /** Why nothing can be synced any more. */
  get failure(): BlocksError | undefined {
    return this.#failure
  }

  /** Bytes that were appended since a round was last asked for. */
  get unsyncedBytes(): number {
    return this.#unsyncedBytes
  }

  /** Notes a pack whose name may not survive a power loss. */
  made(): void {
    this.#packsMade += 1
  }

  /** Notes that bytes of a pack are unsynced. */
  add(pack: Pack, bytes: number): void {
    this.#unsynced.add(pack)
    this.#unsyncedBytes += bytes
  }

  /** Forgets a pack that is removed, or was never made. */
  forget(pack: Pack): void {
    this.#unsynced.delete(pack)
  }

  /**
   * Resolves when all that was appended so far survives a power loss.
   *
   * @throws BlocksError BLOCKS_SYNC_FAILED, now and ever after
   */
  async sync(options?: WaitOptions): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#unsynced.size === 0 && this.#packsMade === this.#packsInFolder) return
    const round = this.begin()
    await round.done.wait(options)
    if (round.failure !== undefined) throw round.failure
  }

  /** The round that covers what was appended so far: rounds run one after the other, the next one serves all who wait for it. */
  begin(): { readonly done: Event; failure: Error | undefined } {
    this.#unsyncedBytes = 0
    this.#round ??= { done: createEvent({ name: 'sync' }), failure: undefined }
    const round = this.#round
    if (!this.#isSyncing) {
      this.#isSyncing = true
      this.#options.owner.spawn(() => this.#runRounds(), { name: 'sync' })
    }
    return round
  }

  async #runRounds(): Promise<void> {
    for (let round = this.#round; round !== undefined; round = this.#round) {
      this.#round = undefined
      try {
        const made = this.#packsMade
        await this.#options.written()
        await this.#syncAll(made)
      } catch (cause) {
        round.failure = diskFailure(cause, 'sync the packs')
      }
      round.done.set()
    }
    this.#isSyncing = false
  }

  async #syncAll(made: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    for (const pack of [...this.#unsynced]) await this.syncPack(pack)
    if (this.#packsInFolder === made) return
    await this.syncFolder()
    this.#packsInFolder = Math.max(this.#packsInFolder, made)
  }

  /** Syncs the names of the packs. */
  async syncFolder(): Promise<void> {
    using _turn = await this.#turns.acquire(this.#options.folder)
    if (this.#failure !== undefined) throw this.#failure
    await this.#orFail(() => this.#options.folder.sync())
  }

  /** Cuts the file of a pack that is to be removed to nothing, for good. */
  async empty(pack: Pack): Promise<void> {
    const file = await this.#options.folder.emptied(pack)
    await this.#orFail(() => file.sync())
  }

  /** A pack counts as unsynced until a sync has ended that began after its last frame was written. */
  async syncPack(pack: Pack): Promise<void> {
    // Of a pack whose file could not be made there is nothing to sync.
    if (pack.state === 'gone' || (pack.writtenEnd === 0 && pack.failure !== undefined)) {
      this.#unsynced.delete(pack)
      return
    }
    pack.acquire()
    try {
      using _turn = await this.#turns.acquire(pack)
      if (this.#failure !== undefined) throw this.#failure
      const file = await this.#options.folder.file(pack)
      const end = pack.writtenEnd
      await this.#orFail(() => file.sync())
      pack.syncedEnd = Math.max(pack.syncedEnd, end)
      if (pack.dataEnd === end) this.#unsynced.delete(pack)
      this.#count += 1
    } finally {
      pack.release()
    }
  }

  /** What was written is in an unknown state after a failure, and a second try would succeed without meaning anything. */
  async #orFail(sync: () => Promise<void>): Promise<void> {
    try {
      await sync()
    } catch (cause) {
      const isFirst = this.#failure === undefined
      this.#failure ??= new BlocksError('BLOCKS_SYNC_FAILED', 'The disk failed to sync the packs', {
        cause,
      })
      if (isFirst) await this.#options.onSyncFailed()
      throw this.#failure
    }
  }
}
