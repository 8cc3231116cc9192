/** What records can be appended to durably: the log, a bare file, SQLite and LevelDB. */
import { fdatasyncSync, closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ClassicLevel } from 'classic-level'
import { openLog } from '@ipfs-kit/wal'

export const recordBytes = 512

/** Takes a record; resolves when it survives a power loss. */
export interface Contender extends AsyncDisposable {
  append(payload: Buffer): Promise<unknown>
}

/** Our log, with its default options. */
export async function ourLog(folder: string): Promise<Contender> {
  const log = await openLog({ path: join(folder, 'log') })
  return {
    append: (payload) => log.append(payload),
    async [Symbol.asyncDispose]() {
      await log.close()
    },
  }
}

/** Inserts into SQLite with `synchronous=FULL`; all who wait are one transaction. */
export function sqliteQueue(folder: string): Contender {
  const database = openSqlite(join(folder, 'sqlite.db'))
  const insert = database.prepare('INSERT INTO operations (payload) VALUES (?)')
  let waiting: { payload: Buffer; resolve: (lsn: unknown) => void; reject: (error: unknown) => void }[] = []
  const insertAll = database.transaction((batch: typeof waiting) =>
    batch.map(({ payload }) => insert.run(payload).lastInsertRowid),
  )
  const flush = (): void => {
    const batch = waiting
    waiting = []
    try {
      const lsns = insertAll(batch)
      batch.forEach(({ resolve }, at) => resolve(lsns[at]))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
  return {
    append: (payload) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush)
        waiting.push({ payload, resolve, reject })
      }),
    async [Symbol.asyncDispose]() {
      database.close()
    },
  }
}

/** A table of records, as one who cares for them has it. */
export function openSqlite(path: string): Database.Database {
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec('CREATE TABLE operations (lsn INTEGER PRIMARY KEY, payload BLOB NOT NULL)')
  return database
}

/** Puts with `sync`, each on its own. */
export async function level(folder: string): Promise<Contender> {
  const database = new ClassicLevel<Buffer, Buffer>(join(folder, 'level'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  await database.open()
  let lsn = 0
  return {
    append: (payload) => {
      const key = Buffer.alloc(8)
      lsn += 1
      key.writeUIntBE(lsn, 2, 6)
      return database.put(key, payload, { sync: true })
    },
    async [Symbol.asyncDispose]() {
      await database.close()
    },
  }
}

/** A bare file that was filled with zeros: writes and syncs pieces of one size, and begins anew at its end. */
export function rawFile(folder: string, bytes: number): Disposable & { write(): void } {
  const size = 32 * 1024 * 1024
  const file = openSync(join(folder, `raw-${bytes}`), 'w')
  const piece = Buffer.alloc(bytes, 1)
  writeSync(file, Buffer.alloc(size))
  fdatasyncSync(file)
  let at = 0
  return {
    write() {
      if (at + bytes > size) at = 0
      writeSync(file, piece, 0, bytes, at)
      fdatasyncSync(file)
      at += bytes
    },
    [Symbol.dispose]() {
      closeSync(file)
    },
  }
}

/** Appends for a while, so many at once, each again as soon as it is answered; told of the milliseconds of each. */
export async function saturate(
  contender: Contender,
  atOnce: number,
  ms: number,
  onAnswer?: (ms: number) => void,
): Promise<number> {
  const payload = Buffer.alloc(recordBytes, 7)
  const began = performance.now()
  let answered = 0
  const appender = async (): Promise<void> => {
    for (let now = performance.now(); now < began + ms;) {
      await contender.append(payload)
      const then = now
      now = performance.now()
      answered += 1
      onAnswer?.(now - then)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, appender))
  return answered / ((performance.now() - began) / 1000)
}
