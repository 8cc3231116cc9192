/**
 * Digests of large values, on threads where that is worth it: hashing is most of what adding and reading cost. Nothing is
 * copied on the way, unlike with `crypto.subtle`, which copies its input on the calling thread (0.5 to 1.5 s a GiB, where
 * hashing takes 0.6 to 1.1): shared memory is read where it is, other memory is moved to the thread and back.
 *
 * Threads are a help and nothing more: where there is none, the caller hashes itself.
 */
import { backendStats, createOwner, map, now } from '@ipfs-kit/concurrency'
import { createThreadPool } from '@ipfs-kit/concurrency/thread'
import { availableParallelism } from 'node:os'

/** Below this a value in shared memory is hashed where it is: handing one over takes about 40 us. */
export const leastSharedBytes = 262_144
/** The same of memory that is moved there and back: of 256 KiB (`E-2.get` of the bench) it is slower than hashing them here. */
export const leastMovedBytes = 524_288
/** So many bytes of large values were hashed elsewhere before threads are started, which take some 50 ms and 15 MiB each. */
const bytesBeforeThreads = 16_777_216
/** Two also where there are two processors: the caller reads, cuts and writes meanwhile, and does not fill one. */
const threads = Math.min(4, Math.max(2, availableParallelism() - 1))
/** Values that each thread has or that wait for it: so many that it never waits for the caller. */
const queuedAtOnce = 4
/** For so long no thread is asked after one has failed. */
const pauseMs = 30_000

/** Hash functions, by their names in `node:crypto`. */
export type HashName = 'sha256' | 'sha512'

/** A value with its digest. */
export interface Hashed {
  readonly digest: Uint8Array
  /** The bytes that were moved, in memory that is the caller's again. */
  readonly bytes: Uint8Array
}

/** Threads that hash. They end after half a minute without work, and hold no program open. */
export class HashThreads {
  readonly #pool = createThreadPool({ name: 'hashing', threads })
  /** Whose tasks start threads, and whose calls they serve. */
  readonly #owner = createOwner({ name: 'hashing' })
  #starting = false
  #notBefore = 0
  #bytesElsewhere = 0
  #running = 0
  readonly #module: URL

  /** The module is that of the functions, `hash-thread`. */
  constructor(
    module = new URL(`./hash-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
  ) {
    this.#module = module
  }

  /**
   * The digest of a value in shared memory, which must not change until then. `undefined`, at once or later, if no thread
   * can do it.
   */
  hashShared(name: HashName, bytes: Uint8Array): Promise<Uint8Array | undefined> | undefined {
    return bytes.length >= leastSharedBytes && this.#isFree(bytes.length)
      ? this.#run<Uint8Array>('hashShared', name, bytes, [])
      : undefined
  }

  /**
   * The digest of a value that is given away with the whole of its memory. `undefined` at once if no thread can do it;
   * `undefined` later if a thread has died with it: then the bytes are lost.
   */
  hashMoved(name: HashName, bytes: Uint8Array<ArrayBuffer>): Promise<Hashed | undefined> | undefined {
    return bytes.length >= leastMovedBytes && this.#isFree(bytes.length)
      ? this.#run<Hashed>('hashMoved', name, bytes, [bytes.buffer])
      : undefined
  }

  /** Whether a thread can take a value now. */
  #isFree(bytes: number): boolean {
    // The simulator has no threads.
    if (backendStats().backend === 'sim') return false
    if (this.#starting || now() < this.#notBefore) return false
    const { alive } = this.#pool.stats()
    // One more than there are would be started for it, and it would wait for that.
    if (this.#running < (alive < threads ? alive : queuedAtOnce * alive)) return true
    if (alive === threads) return false
    this.#bytesElsewhere += bytes
    if (this.#bytesElsewhere >= bytesBeforeThreads) this.#start()
    return false
  }

  #start(): void {
    this.#starting = true
    this.#bytesElsewhere = 0
    const work = { module: this.#module, name: 'hashShared' }
    const start = async (): Promise<void> => {
      try {
        const each = Array.from({ length: threads })
        await map(each, () => this.#pool.run(work, ['sha256', new Uint8Array(0)]))
      } catch {
        // Too little memory, no more threads for this user, or none for this program: hashing goes on without them.
        this.#failed()
      } finally {
        this.#starting = false
      }
    }
    this.#owner.spawn(start, { name: 'start hashing threads' })
  }

  async #run<T>(
    what: 'hashShared' | 'hashMoved',
    name: HashName,
    bytes: Uint8Array,
    transfer: readonly ArrayBuffer[],
  ): Promise<T | undefined> {
    this.#running += 1
    try {
      const work = { module: this.#module, name: what }
      // In a scope of its own: a caller that is cancelled, or leaves, would end the thread for the sake of a millisecond.
      const { scope } = this.#owner
      return (await this.#pool.run<T>(work, [name, bytes], { transfer, scope })) as T
    } catch {
      // The thread has died. What it was to hash does not matter to it.
      this.#failed()
      return undefined
    } finally {
      this.#running -= 1
    }
  }

  #failed(): void {
    this.#notBefore = now() + pauseMs
  }
}

/** Those of the program. */
export const hashThreads = new HashThreads()
