/** All of the index in SQLite as of one LSN, read on a connection of its own. */
import type { Database } from 'better-sqlite3'
import { partsOfTexts } from '../store/index-part.ts'
import type { ImageHead, IndexPart } from '../store/operation-index.ts'
import { openToRead } from './schema.ts'

/** An image that is being read. */
export interface ReadImage {
  readonly head: ImageHead
  /** The next part; `undefined` after the last. */
  next(): IndexPart | undefined
  close(): void
}

const headText = `SELECT lsn, epoch,
  (SELECT count(*) FROM operations) AS operations,
  (SELECT count(*) FROM keys) AS keys,
  (SELECT count(*) FROM waits) AS waits,
  config IS NOT NULL AS config
  FROM applied WHERE one = 1`

/** Begins to read. What is written meanwhile is not seen. */
export function readImage(path: string): ReadImage {
  const database = openToRead(path)
  try {
    database.exec('BEGIN')
    const head = database.prepare<[], ImageHead>(headText).get()!
    const parts = partsOf(database)
    return {
      head,
      next: () => parts.next().value as IndexPart | undefined,
      close() {
        parts.return()
        database.close()
      },
    }
  } catch (error) {
    database.close()
    throw error
  }
}

function* partsOf(database: Database): Generator<IndexPart, void> {
  const texts = (query: string): Iterable<string> => database.prepare<[], string>(query).pluck().iterate()
  yield* partsOfTexts('config', texts('SELECT config FROM applied WHERE config IS NOT NULL'))
  yield* partsOfTexts('operations', texts('SELECT body FROM operations ORDER BY id'))
  yield* partsOfTexts(
    'keys',
    texts(`SELECT json_object('key', key, 'id', id, 'at', at, 'digest', digest) FROM keys ORDER BY key`),
  )
  yield* partsOfTexts('waits', texts('SELECT json_array(on_id, id) FROM waits ORDER BY on_id, id'))
}
