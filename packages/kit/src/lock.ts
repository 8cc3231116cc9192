/**
 * One process per home: an exclusive SQLite transaction on a file of its own, which the system frees when the
 * process dies, however it dies. (SQLite, "File Locking And Concurrency In SQLite Version 3".)
 */
import { createSemaphore, now, shield, sleep } from '@ipfs-kit/concurrency'
import Database from 'better-sqlite3'
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
   * Replaces the addresses in the note. The last of several calls at once wins. `KIT_CLOSED` after `close`.
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
const introductionMs = 250

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
    const database = tryLock(home)
    if (database !== undefined) return HeldLock.open(home, database, options.role)
    const waitedMs = now() - started
    const known = await livingHolder(home)
    const leftMs = (known === undefined ? Math.max(waitMs, introductionMs) : waitMs) - waitedMs
    if (leftMs <= 0) throw new KitError('KIT_HOME_LOCKED', describe(home, known))
    await sleep(Math.min(pollMs, leftMs), { signal })
  }
}

class HeldLock implements Lock {
  readonly #home: Home
  /** Must stay referenced: a collected Database loses its lock without a word. */
  #database: Database.Database | undefined
  /** Held by whoever writes the note or closes. */
  readonly #turn = createSemaphore(1, { name: 'note of the holder' })
  holder: Holder

  private constructor(home: Home, database: Database.Database, role: Holder['role']) {
    this.#home = home
    this.#database = database
    this.holder = Object.freeze({ pid: process.pid, startedAt: new Date().toISOString(), role })
  }

  static async open(home: Home, database: Database.Database, role: Holder['role']): Promise<Lock> {
    const lock = new HeldLock(home, database, role)
    try {
      await lock.announce({})
    } catch (error) {
      // Without room for its note the holder has no name, and that is all.
      if (isFull(error)) return lock
      await lock.close()
      throw unwritable(home.path, error)
    }
    return lock
  }

  announce(addresses: HolderAddresses): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#database === undefined)
        throw new KitError('KIT_CLOSED', `The home ${this.#home.path} is closed`)
      const { pid, startedAt, role } = this.holder
      const holder = Object.freeze({ pid, startedAt, role, ...addresses })
      await writeHolder(this.#home.path, holder)
      this.holder = holder
    })
  }

  withdraw(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#database !== undefined) await removeHolder(this.#home.path)
    })
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      const database = this.#database
      if (database === undefined) return
      try {
        await removeHolder(this.#home.path)
      } finally {
        this.#database = undefined
        database.close()
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

/** The transaction is never committed: closing the database ends it. */
function tryLock(home: Home): Database.Database | undefined {
  let database: Database.Database | undefined
  try {
    // The default timeout of 5 s would block the whole process.
    database = new Database(home.lock, { timeout: 0 })
    // Nothing is ever written, so the journal needs no file: the home can be opened when the disk is full.
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code.startsWith('SQLITE_BUSY')) return undefined
    if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
      throw new KitError('KIT_HOME_INVALID', `${home.lock} is not a lock file (${code})`, { cause: error })
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
