/** Leases that hold blocks where these are, in files of the old store. */
import { BlocksError, keyOfBlock, type Lease } from '@ipfs-kit/blocks'
import type { CID } from 'multiformats/cid'

/** Who holds which file. Memory: what is held. */
export class OldHolds {
  readonly #leases = new Map<string, Set<Lease>>()
  readonly #keys = new Map<Lease, Set<string>>()

  has(cid: CID): boolean {
    return this.#leases.size > 0 && this.#leases.has(keyOfBlock(cid))
  }

  add(cid: CID, lease: Lease): void {
    const key = keyOfBlock(cid)
    setOf(this.#leases, key).add(lease)
    setOf(this.#keys, lease).add(key)
  }

  /** Ends what a lease holds. */
  drop(lease: Lease): void {
    for (const key of this.#keys.get(lease) ?? []) {
      const leases = this.#leases.get(key)
      leases?.delete(lease)
      if (leases?.size === 0) this.#leases.delete(key)
    }
    this.#keys.delete(lease)
  }

  /** Lets those who hold the file of a block hold what is in a pack by now, before the file goes. */
  async passOn(cid: CID): Promise<void> {
    if (!this.has(cid)) return
    for (const lease of [...(this.#leases.get(keyOfBlock(cid)) ?? [])]) {
      try {
        await lease.hold(cid)
      } catch (error) {
        // It was closed meanwhile.
        if (!(error instanceof BlocksError && error.code === 'BLOCKS_CLOSED')) throw error
      }
    }
  }
}

function setOf<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  let set = map.get(key)
  if (set === undefined) map.set(key, (set = new Set()))
  return set
}
