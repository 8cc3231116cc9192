/**
 * Who holds which block. A lease is how content becomes kept: every block that it puts, or finds there already, belongs
 * to it and is not removed while it is open. Garbage collection removes only what no lease holds and no pin reaches.
 */
import { createEvent, type Event } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import type { BlockFiles, BlockKey } from './block-files.ts'
import { keyOf } from './block-files.ts'
import { IpfsError } from './errors.ts'

/** Blocks held for one add, import, pin or export. */
export interface Lease {
  /** Holds a block, stored or not. Resolves when a removal of it that was under way is over. */
  hold(cid: CID): Promise<void>
  /** Holds a block and stores it. The bytes must match the CID. */
  put(cid: CID, bytes: Uint8Array): Promise<void>
  /** Removes a block again if nobody else wrote or held it since this lease put it. */
  drop(cid: CID): Promise<void>
  /** Ends the lease; what no pin reaches is cache from now on. */
  release(): void
  /** Ends the lease and removes the blocks that only it has written. Waits for its running writes. */
  abandon(): Promise<void>
}

interface Holding {
  /** Number of leases that hold the block. */
  leases: number
  /** Whether a second lease has held the block, even if it has ended since: it may have found the block and pinned it. */
  shared: boolean
  /** The lease that wrote the block, as long as no other one has touched it. */
  writtenBy: Lease | undefined
}

/** The leases of one store. */
export class Retention {
  readonly #blocks: BlockFiles
  readonly #holdings = new Map<BlockKey, Holding>()
  /** The blocks that are being removed, with what tells that it is over. */
  readonly #removals = new Map<BlockKey, Event>()
  #openLeases = 0
  /** While garbage is collected: every block that was held at its start or since. */
  #heldInCollection: Set<BlockKey> | undefined

  constructor(blocks: BlockFiles) {
    this.#blocks = blocks
  }

  get openLeases(): number {
    return this.#openLeases
  }

  /** Opens a lease. */
  lease(): Lease {
    const held = new Map<BlockKey, CID>()
    const writing = new Set<Promise<void>>()
    let open = true
    this.#openLeases += 1

    const end = (): void => {
      open = false
      this.#openLeases -= 1
      for (const key of held.keys()) this.#letGo(key)
      held.clear()
    }
    const write = async (cid: CID, bytes: Uint8Array): Promise<void> => {
      await this.#removals.get(keyOf(cid))?.wait()
      const isNew = await this.#blocks.put(cid, bytes)
      const holding = this.#holdings.get(keyOf(cid))
      if (isNew && holding?.shared === false) holding.writtenBy = lease
    }
    const take = (cid: CID): void => {
      if (!open) throw new IpfsError('IPFS_CLOSED', 'The call that stored blocks has ended')
      const key = keyOf(cid)
      this.#heldInCollection?.add(key)
      if (held.has(key)) return
      held.set(key, cid)
      const holding = this.#holdings.get(key)
      if (holding === undefined) {
        this.#holdings.set(key, { leases: 1, shared: false, writtenBy: undefined })
        return
      }
      holding.leases += 1
      holding.shared = true
      holding.writtenBy = undefined
    }

    const lease: Lease = {
      hold: async (cid) => {
        take(cid)
        await this.#removals.get(keyOf(cid))?.wait()
      },
      put: async (cid, bytes) => {
        take(cid)
        const running = write(cid, bytes)
        writing.add(running)
        try {
          await running
        } finally {
          writing.delete(running)
        }
      },
      drop: async (cid) => {
        const key = keyOf(cid)
        if (this.#holdings.get(key)?.writtenBy !== lease) return
        held.delete(key)
        this.#letGo(key)
        await this.#removeOwn(cid)
      },
      release: () => {
        if (open) end()
      },
      abandon: async () => {
        if (!open) return
        open = false
        // waits: each write tells its own caller how it ended
        await Promise.allSettled(writing)
        const own = [...held].filter(([key]) => this.#holdings.get(key)?.writtenBy === lease)
        end()
        await Promise.all(own.map(([, cid]) => this.#removeOwn(cid)))
      },
    }
    return lease
  }

  /** Whether a block may not be removed now. */
  isHeld(key: BlockKey): boolean {
    return this.#holdings.has(key) || this.#heldInCollection?.has(key) === true
  }

  /** Removes a block unless it is held. Whoever takes hold of it meanwhile waits until it is gone. */
  async remove(cid: CID): Promise<boolean> {
    const key = keyOf(cid)
    if (this.isHeld(key)) return false
    const running = this.#removals.get(key)
    if (running !== undefined) {
      await running.wait()
      return false
    }
    // Whoever waits for a removal only needs it to be over; the remover reports a failure.
    const over = createEvent({ name: 'removal' })
    this.#removals.set(key, over)
    try {
      await this.#blocks.delete(cid)
    } finally {
      this.#removals.delete(key)
      over.set()
    }
    return true
  }

  /** Runs a collection: until it ends, `isHeld` also knows what was held at any time since its start. */
  async collecting<T>(work: () => Promise<T>): Promise<T> {
    this.#heldInCollection = new Set(this.#holdings.keys())
    try {
      return await work()
    } finally {
      this.#heldInCollection = undefined
    }
  }

  /** Removes a block that its only holder has written and let go: no collection has to keep it for anybody. */
  async #removeOwn(cid: CID): Promise<void> {
    this.#heldInCollection?.delete(keyOf(cid))
    await this.remove(cid)
  }

  #letGo(key: BlockKey): void {
    const holding = this.#holdings.get(key)
    if (holding === undefined) return
    holding.leases -= 1
    if (holding.leases === 0) this.#holdings.delete(key)
  }
}
