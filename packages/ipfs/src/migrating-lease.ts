/** A lease that finds the blocks of the old store too. */
import { type CallOptions, keyOfBlock, type Lease, type PutOptions, type Stream } from '@ipfs-kit/blocks'
import type { CID } from 'multiformats/cid'
import type { Migration } from './migration.ts'

/**
 * What a lease for `kept` packs holds moves to one at once. One for the cache, as readers have, holds it where it is: nothing
 * is copied, and the file stays until the lease is closed or the block is in a pack.
 */
export class MigratingLease implements Lease {
  readonly #lease: Lease
  readonly #stream: Stream
  readonly #migration: Migration
  #isClosed = false

  constructor(lease: Lease, stream: Stream, migration: Migration) {
    this.#lease = lease
    this.#stream = stream
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
    const isHeld =
      !this.#migration.isDone &&
      (this.#stream === 'kept' ? await this.#move(cid, options) : await this.#holdFile(cid, options))
    // It may have moved in between.
    return isHeld || this.#lease.hold(cid, options)
  }

  flush(options?: CallOptions): Promise<void> {
    return this.#lease.flush(options)
  }

  close(): void {
    this.#isClosed = true
    this.#migration.holds.drop(this.#lease)
    this.#lease.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async #move(cid: CID, options: CallOptions | undefined): Promise<boolean> {
    const bytes = await this.#migration.old.get(cid)
    if (bytes === undefined) return false
    await this.#lease.put(cid, bytes, { ...options, verify: 'on-read' })
    return true
  }

  async #holdFile(cid: CID, options: CallOptions | undefined): Promise<boolean> {
    const { old, holds, turns } = this.#migration
    if (this.#isClosed) return false
    holds.add(cid, this.#lease)
    // Who removes it now has not seen that it is held; whoever comes after has.
    const turn = await turns.acquire(keyOfBlock(cid), { signal: options?.signal })
    turn.release()
    return (await old.size(cid)) !== undefined
  }
}
