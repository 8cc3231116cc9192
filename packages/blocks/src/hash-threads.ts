/**
 * Digests of large values, on threads where that is worth it: hashing is most of what adding and reading cost. Nothing is
 * copied on the way, unlike with `crypto.subtle`, which copies its input on the calling thread (0.5 to 1.5 s a GiB, where
 * hashing takes 0.6 to 1.1): shared memory is read where it is, other memory is moved to the thread and back.
 */
import { backendStats, createOwner, map, shield } from '@ipfs-kit/concurrency'
import { createThreadPool } from '@ipfs-kit/concurrency/thread'
import { hash } from 'node:crypto'

/** Below this a value is hashed where it is: handing one over and back takes about 40 us. */
export const leastThreadBytes = 262_144
/** So many bytes of large values are hashed here before threads are started, which take some 50 ms and 15 MiB each. */
const bytesBeforeThreads = 33_554_432

/** Hash functions, by their names in `node:crypto`. */
export type HashName = 'sha256' | 'sha512'

/** A value with its digest. */
export interface Hashed {
  readonly digest: Uint8Array
  /** The bytes that were given; memory that is not shared may have become another `ArrayBuffer`. */
  readonly bytes: Uint8Array
}

const module = new URL(
  import.meta.url.endsWith('.ts') ? './hash-thread.ts' : './hash-thread.js',
  import.meta.url,
)
const work = { module, name: 'hashHere' }

/** Threads that hash. They end after half a minute without work, and hold no program open. */
export class HashThreads {
  readonly #pool = createThreadPool({ name: 'hashing' })
  readonly #threads = this.#pool.stats().threads
  /** Whose tasks start threads. */
  readonly #owner = createOwner({ name: 'hashing' })
  #starting = false
  #hashedHere = 0
  #running = 0

  /** See {@link hashGiven}. */
  hash(name: HashName, bytes: Uint8Array): Hashed | Promise<Hashed> {
    if (bytes.byteLength < leastThreadBytes || !this.#isFree(bytes.byteLength))
      return { digest: hash(name, bytes, 'buffer'), bytes }
    return this.#hashOnThread(name, bytes)
  }

  /** Whether a thread can take a value now. One for each may wait besides those at work, so that none is idle. */
  #isFree(bytes: number): boolean {
    if (this.#starting || this.#running >= 2 * this.#threads) return false
    // The simulator has no threads.
    if (backendStats().backend === 'sim') return false
    if (this.#pool.stats().alive > 0) return true
    this.#hashedHere += bytes
    if (this.#hashedHere >= bytesBeforeThreads) this.#start()
    return false
  }

  #start(): void {
    this.#starting = true
    this.#hashedHere = 0
    const start = async (): Promise<void> => {
      try {
        const each = Array.from({ length: this.#threads })
        await map(each, () => this.#pool.run(work, ['sha256', new Uint8Array(0)]))
      } finally {
        this.#starting = false
      }
    }
    this.#owner.spawn(start, { name: 'start hashing threads' })
  }

  async #hashOnThread(name: HashName, bytes: Uint8Array): Promise<Hashed> {
    this.#running += 1
    try {
      const { buffer } = bytes
      const list = buffer instanceof ArrayBuffer ? [buffer] : []
      // A cancelled call would end its thread, for the sake of a millisecond.
      const result = await shield(() =>
        this.#pool.run<Uint8Array | Hashed>(work, [name, bytes], { transfer: list }),
      )
      return result instanceof Uint8Array ? { digest: result, bytes } : result
    } finally {
      this.#running -= 1
    }
  }
}

/** Those of the program. */
const ofProgram = new HashThreads()

/**
 * The digest of a value, at once or from a thread. The value is given away: it must not change until then, and where its
 * memory is not shared, all of its `ArrayBuffer` must belong to the caller, who goes on with what is returned. Values below
 * 256 KiB are hashed at once, as are those that find all threads busy.
 *
 * @throws ConcurrencyError if a thread dies
 */
export function hashGiven(name: HashName, bytes: Uint8Array): Hashed | Promise<Hashed> {
  return ofProgram.hash(name, bytes)
}
