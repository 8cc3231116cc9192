/** The connection on which queries read the index in SQLite, while its thread writes. */
import type { Database } from 'better-sqlite3'
import { WalError } from '../errors.ts'
import { SqliteQueries } from './queries.ts'
import { isDamage, openToRead } from './schema.ts'

export class SqliteReader {
  readonly #path: string
  #database: Database | undefined
  #queries!: SqliteQueries
  #isDamaged = false

  constructor(path: string) {
    this.#path = path
  }

  /** A query has met what is no index: the next opening makes it anew. */
  get isDamaged(): boolean {
    return this.#isDamaged
  }

  /** Reads from here on what is in the file now. @throws WalError WAL_INDEX_FAILED */
  open(): void {
    const before = this.#database
    const database = this.#orFailed(() => openToRead(this.#path))
    this.#database = database
    this.#queries = this.#orFailed(() => new SqliteQueries(database))
    before?.close()
  }

  /** @throws WalError WAL_INDEX_FAILED */
  read<T>(query: (queries: SqliteQueries) => T): T {
    return this.#orFailed(() => query(this.#queries))
  }

  close(): void {
    this.#database?.close()
  }

  #orFailed<T>(read: () => T): T {
    try {
      return read()
    } catch (cause) {
      this.#isDamaged ||= isDamage(cause)
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new WalError('WAL_INDEX_FAILED', `Could not read the index at ${this.#path}: ${why}`, { cause })
    }
  }
}
