/** The cursor of a list: where it goes on in each folder from the one that is listed down to the last entry. */
import { JournalError } from './errors.ts'
import type { Behind } from './folder-page.ts'

/** A folder on the way. */
export interface CursorLevel {
  readonly behind: Behind
  /** The name of the folder in it that the next level is; absent at the last one. */
  readonly inside?: string
}

/** Characters of a cursor: a path of the greatest length in names and bounds, several times. */
const maxLength = 524_288

export function encodeCursor(levels: readonly CursorLevel[]): string {
  const shown = [...levels.slice(0, -1), { behind: levels.at(-1)!.behind }]
  return Buffer.from(JSON.stringify(shown)).toString('base64url')
}

/** @throws JournalError JOURNAL_INVALID_CURSOR; TypeError */
export function decodeCursor(cursor: string): CursorLevel[] {
  if (typeof cursor !== 'string') throw new TypeError('A cursor is a string')
  const levels = cursor.length > maxLength ? undefined : parsed(Buffer.from(cursor, 'base64url').toString())
  if (Array.isArray(levels) && levels.length > 0 && levels.every(isLevel)) {
    const [last, ...above] = (levels as CursorLevel[]).toReversed()
    if (last!.inside === undefined && above.every(({ inside }) => inside !== undefined)) {
      return levels as CursorLevel[]
    }
  }
  throw new JournalError('JOURNAL_INVALID_CURSOR', 'The cursor is none that a list gave')
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function isLevel(level: unknown): level is CursorLevel {
  if (typeof level !== 'object' || level === null) return false
  const { behind, inside } = level as { readonly behind?: unknown; readonly inside?: unknown }
  if (
    typeof behind !== 'object' ||
    behind === null ||
    !(inside === undefined || typeof inside === 'string')
  ) {
    return false
  }
  return Object.entries(behind).every(
    ([order, name]) => ['names', 'hashes'].includes(order) && typeof name === 'string',
  )
}
