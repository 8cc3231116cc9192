/** The tables of the index in SQLite, and the file that they are in. */
import Database from 'better-sqlite3'
import { rmSync } from 'node:fs'

/** Raised with every change of what is below, or of what records mean: an index of another version is made anew. */
const schemaVersion = 5
/** "wal1": the file is an index of ours. */
const applicationId = 0x77616c31

/**
 * `lane`, `expires_at`, `finished_at` and `forget_from` are NULL where an entry is of no concern to the queries that go by them, and
 * their indexes leave it out. A query says `lane = ?`, from which SQLite sees that it is not NULL; of any other condition of a
 * partial index it does not.
 */
const schema = `
  CREATE TABLE applied (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    lsn INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    opened_lsn INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    is_whole INTEGER NOT NULL,
    config TEXT
  );
  CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    interrupted TEXT NOT NULL,
    is_left INTEGER NOT NULL,
    type TEXT NOT NULL,
    backend TEXT NOT NULL,
    paused INTEGER NOT NULL,
    operations INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  );
  CREATE TABLE operations (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    lane TEXT,
    expires_at INTEGER,
    finished_at INTEGER,
    body TEXT NOT NULL
  );
  CREATE INDEX operations_group ON operations (group_id, id, created_at);
  CREATE INDEX operations_due ON operations (lane, priority, due_at, id) WHERE lane IS NOT NULL;
  CREATE INDEX operations_expiry ON operations (expires_at, id) WHERE expires_at IS NOT NULL;
  CREATE INDEX operations_end ON operations (finished_at, id, group_id, created_at) WHERE finished_at IS NOT NULL;
  CREATE TABLE keys (
    key TEXT PRIMARY KEY,
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    digest TEXT NOT NULL,
    forget_from INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX keys_forget ON keys (forget_from) WHERE forget_from IS NOT NULL;
  CREATE TABLE waits (on_id INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (on_id, id)) WITHOUT ROWID;
  CREATE TABLE cids (cid TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (cid, id)) WITHOUT ROWID;
`

/** Opens the file to write. What is there and is no whole index of this version is removed, and an empty one made. */
export function openToWrite(path: string): Database.Database {
  const found = openFound(path)
  if (found !== undefined) return found
  removeIndex(path)
  const database = configured(path)
  database.transaction(() => {
    database.exec(schema)
    database.exec('INSERT INTO applied VALUES (1, 0, 0, 0, 0, 0, 1, NULL)')
    database.pragma(`application_id = ${applicationId}`)
    database.pragma(`user_version = ${schemaVersion}`)
  })()
  return database
}

/** Opens a file that {@link openToWrite} has made. */
export function openToRead(path: string): Database.Database {
  const database = new Database(path, { readonly: true, fileMustExist: true })
  database.pragma('mmap_size = 268435456')
  return database
}

/** Whether an error says that a file is no whole index. */
export function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB|ERROR|FORMAT)/.test(error.code)
}

/** Whether an error says that the volume is full; the second is of the file that the connections share. */
export function isFull(error: unknown): error is Error {
  return error instanceof Database.SqliteError && /^SQLITE_(FULL|IOERR_SHMSIZE)$/.test(error.code)
}

/** Removes the files of an index. */
export function removeIndex(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

function openFound(path: string): Database.Database | undefined {
  let database: Database.Database | undefined
  try {
    database = configured(path)
    const isOurs =
      database.pragma('application_id', { simple: true }) === applicationId &&
      database.pragma('user_version', { simple: true }) === schemaVersion &&
      database.prepare('SELECT is_whole FROM applied WHERE one = 1').pluck().get() === 1
    if (isOurs) return database
  } catch (error) {
    database?.close()
    // What is damaged is derived, and made anew; who has it locked, or a disk that fails, is told.
    if (!isDamage(error)) throw error
    return undefined
  }
  database.close()
  return undefined
}

function configured(path: string): Database.Database {
  // Nobody else writes. Who does, with a tool, is waited for.
  const database = new Database(path, { timeout: 30_000 })
  try {
    database.pragma('journal_mode = WAL')
    // What a power loss takes is in the log still.
    database.pragma('synchronous = NORMAL')
    // Checkpoints are made between batches.
    database.pragma('wal_autocheckpoint = 0')
    database.pragma('journal_size_limit = 16777216')
    database.pragma('cache_size = -65536')
    database.pragma('temp_store = MEMORY')
  } catch (error) {
    database.close()
    throw error
  }
  return database
}
