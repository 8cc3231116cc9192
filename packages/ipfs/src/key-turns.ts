/** Turns by block: who moves or removes one has it alone for that time, and nobody waits for those that others have. */
import { createEvent, type Event } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import type { CallOptions } from './ipfs.ts'

/** The turns of one store. Memory: those that are taken. */
export class KeyTurns {
  readonly #taken = new Map<string, Event>()

  /** Takes a block for itself until the turn is disposed of, which may be done twice. */
  async take(cid: CID, options?: CallOptions): Promise<Disposable> {
    const key = keyOf(cid)
    // Found free, it is taken in the same turn: of those who have waited for the same end one is the first.
    for (let other = this.#taken.get(key); other !== undefined; other = this.#taken.get(key)) {
      await other.wait({ signal: options?.signal })
    }
    const ended = createEvent({ name: 'end of a turn with a block' })
    this.#taken.set(key, ended)
    return {
      [Symbol.dispose]: () => {
        if (this.#taken.get(key) === ended) this.#taken.delete(key)
        ended.set()
      },
    }
  }

  /** Waits until nobody has the block. */
  async free(cid: CID, options?: CallOptions): Promise<void> {
    const key = keyOf(cid)
    for (let other = this.#taken.get(key); other !== undefined; other = this.#taken.get(key)) {
      await other.wait({ signal: options?.signal })
    }
  }
}

/** A block as a key of a map: its multihash, whatever its codec. */
export function keyOf(cid: CID): string {
  return Buffer.from(cid.multihash.bytes).toString('latin1')
}
