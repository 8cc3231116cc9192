/**
 * A lock as an exclusive SQLite transaction on a file of its own, which the system frees when the process dies, however it
 * dies. (SQLite, "File Locking And Concurrency In SQLite Version 3".) Node has no locks of its own; its SQLite has.
 */
import { access, closeSync, constants, openSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { shown } from './checks.ts'
import type { DiskLock } from './disk.ts'
import { DiskError } from './errors.ts'
import type { DiskErrorCode } from './errors.ts'
import { statOf } from './node-folders.ts'
import { systemCall } from './system-call.ts'
import { refused, refusedWith, systemCodeOf } from './system-error.ts'

/** The first eight bits of what SQLite answers (SQLite, "Result and Error Codes"). */
const meanings: Readonly<Record<number, readonly [DiskErrorCode, string]>> = {
  3: ['DISK_DENIED', 'SQLITE_PERM'],
  5: ['DISK_LOCKED', 'SQLITE_BUSY'],
  6: ['DISK_LOCKED', 'SQLITE_LOCKED'],
  8: ['DISK_DENIED', 'SQLITE_READONLY'],
  10: ['DISK_IO', 'SQLITE_IOERR'],
  11: ['DISK_FAILED', 'SQLITE_CORRUPT'],
  13: ['DISK_FULL', 'SQLITE_FULL'],
  14: ['DISK_DENIED', 'SQLITE_CANTOPEN'],
  26: ['DISK_FAILED', 'SQLITE_NOTADB'],
}

/** The held ones must stay referenced: a collected database loses its lock without a word. */
const held = new Set<DatabaseSync>()

const cannotOpen = 14

/**
 * Whether what is at the path can be a lock. On a file that it may not write SQLite would begin a transaction that excludes
 * nobody, and say nothing. Looking at a file, unlike opening it, leaves a lock alone.
 */
export async function checkLockable(path: string): Promise<void> {
  const found = await statOf(path)
  if (found === undefined) return
  if (!found.isFile()) throw refusedWith('EISDIR', 'lock', path)
  await systemCall<void>((done) =>
    access(path, constants.R_OK | constants.W_OK, (error) => done(error, undefined)),
  )
}

/**
 * Takes the lock. SQLite itself refuses a second taker in this process; but whoever opens and closes the file in another
 * way, as an ordinary file, ends the lock (POSIX takes back all locks of a process on a file when it closes any of them).
 */
export async function takeNodeLock(path: string): Promise<DiskLock> {
  // Loaded when it is first needed: it costs some milliseconds.
  const { DatabaseSync: Database } = await import('node:sqlite')
  let database: DatabaseSync | undefined
  try {
    // Any other timeout would block the whole process.
    database = new Database(path, { timeout: 0 })
    // Nothing is ever written, so the journal needs no file: a lock can be taken when the disk is full.
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    throw lockError(path, error)
  }
  held.add(database)
  const taken = database
  return {
    async close() {
      // The transaction is never committed: closing ends it.
      if (held.delete(taken)) taken.close()
    },
  }
}

function lockError(path: string, cause: unknown): DiskError {
  const number = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : 0
  if (number === cannotOpen) {
    const reason = whyNotMade(path)
    if (reason !== undefined) return refused('lock', path, reason)
  }
  const [code, systemCode] = meanings[number] ?? ['DISK_FAILED', `SQLITE_${number}`]
  const what = code === 'DISK_LOCKED' ? 'somebody else holds it' : systemCode
  return new DiskError(code, `Cannot lock ${shown(path)} (${what})`, { cause, systemCode })
}

/** What the system says to making the file, which SQLite does not tell. A file that is there is not opened. */
function whyNotMade(path: string): unknown {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600))
    return undefined
  } catch (error) {
    return systemCodeOf(error) === 'EEXIST' ? undefined : error
  }
}
