/** One process per home: a lock of the disk, which the system frees when the process dies, however it dies. */
import { createSemaphore, now, shield, sleep } from '@ipfs-kit/concurrency'
import { DiskError, nodeDisk } from '@ipfs-kit/disk'
import type { DiskLock } from '@ipfs-kit/disk'
import { KitError } from './errors.ts'
import { type Holder, readHolder, removeHolder, writeHolder } from './holder.ts'
import { type Home, unwritable } from './home.ts'

/** What a holder adds to its note when it is ready. */
export type HolderAddresses = Pick<Holder, 'url' | 'gatewayUrl' | 'tokenFile'>

/** A held home. */
export interface Lock extends AsyncDisposable {
  /** The note as it was written last. */
  readonly holder: Holder
  /**
   * Replaces the addresses in the note. The last of several calls at once wins. `KIT_CLOSED` after `close`,
   * `KIT_HOME_UNWRITABLE`.
   */
  announce(addresses: HolderAddresses): Promise<void>
  /** Removes the note and keeps the home: nobody joins any more. */
  withdraw(): Promise<void>
  /** Removes the note and frees the home. Idempotent. */
  close(): Promise<void>
}

/** Options of {@link takeLock}. */
export interface LockOptions {
  readonly home: Home
  /** What the note says about this process. */
  readonly role: Holder['role']
  /** How long to wait for another holder, in milliseconds. Default 0. */
  readonly waitMs?: number
  /** Ends the waiting; its reason passes through untouched. */
  readonly signal?: AbortSignal
}

const pollMs = 50
/**
 * Between taking the lock and writing its note a holder has no name, and of two who try at the same moment
 * both may be refused: so long a process that was refused by nobody known tries again.
 */
const introductionMs = 1000

/**
 * Takes a home, or waits for it.
 *
 * Throws `KIT_HOME_LOCKED` with the pid of the holder, `KIT_HOME_UNWRITABLE`, `KIT_HOME_INVALID`.
 */
export async function takeLock(options: LockOptions): Promise<Lock> {
  const { home, waitMs = 0, signal } = options
  const started = now()
  for (;;) {
    signal?.throwIfAborted()
    const held = await tryLock(home)
    if (held !== undefined) return HeldLock.open(home, held, options.role)
    const waitedMs = now() - started
    const known = await livingHolder(home)
    const leftMs = (known === undefined ? Math.max(waitMs, introductionMs) : waitMs) - waitedMs
    if (leftMs <= 0) throw new KitError('KIT_HOME_LOCKED', describe(home, known))
    await sleep(Math.min(pollMs, leftMs), { signal })
  }
}

class HeldLock implements Lock {
  readonly #home: Home
  /** `undefined` once it is closed. */
  #held: DiskLock | undefined
  /** Held by whoever writes the note or closes. */
  readonly #turn = createSemaphore(1, { name: 'note of the holder' })
  holder: Holder

  private constructor(home: Home, held: DiskLock, role: Holder['role']) {
    this.#home = home
    this.#held = held
    this.holder = Object.freeze({ pid: process.pid, startedAt: new Date().toISOString(), role })
  }

  static async open(home: Home, held: DiskLock, role: Holder['role']): Promise<Lock> {
    const lock = new HeldLock(home, held, role)
    try {
      await lock.announce({})
    } catch (error) {
      // Without room for its note the holder has no name, and that is all.
      if (isFull((error as KitError).cause)) return lock
      await lock.close()
      throw error
    }
    return lock
  }

  announce(addresses: HolderAddresses): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#held === undefined) throw new KitError('KIT_CLOSED', `The home ${this.#home.path} is closed`)
      const { pid, startedAt, role } = this.holder
      const holder = Object.freeze({ pid, startedAt, role, ...addresses })
      try {
        await writeHolder(this.#home.path, holder)
      } catch (error) {
        throw unwritable(this.#home.path, error)
      }
      this.holder = holder
    })
  }

  withdraw(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#held !== undefined) await removeHolder(this.#home.path)
    })
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      const held = this.#held
      if (held === undefined) return
      try {
        await removeHolder(this.#home.path)
      } finally {
        this.#held = undefined
        await held.close()
      }
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Writes of the note and the closing come one after the other, in the order of the calls; none is cancelled. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    return shield(async () => {
      using _turn = await this.#turn.acquire()
      await work()
    })
  }
}

function isFull(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** `undefined` while somebody else holds it. */
async function tryLock(home: Home): Promise<DiskLock | undefined> {
  try {
    return await nodeDisk().lock(home.lock)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    if (error.code === 'DISK_LOCKED') return undefined
    const { systemCode } = error
    if (systemCode === 'SQLITE_NOTADB' || systemCode === 'SQLITE_CORRUPT') {
      throw new KitError('KIT_HOME_INVALID', `${home.lock} is not a lock file (${systemCode})`, {
        cause: error,
      })
    }
    throw unwritable(home.path, error)
  }
}

/**
 * The note, unless its process has ended: then it was left behind, and the holder has not written its own
 * yet.
 */
async function livingHolder(home: Home): Promise<Holder | undefined> {
  const holder = await readHolder(home.path)
  if (holder === undefined) return undefined
  try {
    process.kill(holder.pid, 0)
    return holder
  } catch (error) {
    // EPERM: it lives under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? holder : undefined
  }
}

function describe(home: Home, holder: Holder | undefined): string {
  if (holder === undefined) return `The home ${home.path} is held by another process`
  const where = holder.url === undefined ? '' : ` at ${holder.url}`
  return `The home ${home.path} is held by the ${holder.role} with pid ${holder.pid}${where}`
}
