/** Lists a folder, and what is in the folders in it. */
import { JournalError } from './errors.ts'
import type { FolderPage, PageRange } from './folder-page.ts'
import { type CursorLevel, decodeCursor, encodeCursor } from './list-cursor.ts'
import type { Names } from './path.ts'
import { type Entry, Folder } from './tree/folder.ts'

/** What is to be listed. */
export interface ListRange {
  readonly names: Names
  /** Where to go on. */
  readonly after: string | undefined
  /** Entries at most. */
  readonly limit: number
  readonly isRecursive: boolean
}

/** What was listed. */
export interface Listed {
  /** With the names from the folder that is listed on. */
  readonly entries: readonly { readonly names: Names; readonly entry: Entry }[]
  readonly next?: string
}

/** Gives a page of the folder at a path. */
export type PageAt = (names: Names, range: PageRange) => Promise<FolderPage>

/** Entries of a folder that are in hand at once: of each on the way down, while a list goes on below it. */
const pageEntries = 250

/** A folder whose entries are being listed. */
interface Open {
  level: CursorLevel
  /** The rest of a page, the next one last. */
  pending: FolderPage['entries'][number][]
  order: FolderPage['order']
  isMore: boolean
}

/** Each folder comes before what is in it. What is in a folder that is gone when the list comes to it is left out. */
export async function list(pageAt: PageAt, { names, after, limit, isRecursive }: ListRange): Promise<Listed> {
  const levels: readonly CursorLevel[] = after === undefined ? [{ behind: {} }] : decodeCursor(after)
  if (levels.length > 1 && !isRecursive) {
    throw new JournalError('JOURNAL_INVALID_CURSOR', 'The cursor is one of a recursive list')
  }
  const open = levels.map(opened)
  const entries: { readonly names: Names; readonly entry: Entry }[] = []
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const path = open.slice(0, -1).map(({ level }) => level.inside!)
    if (top.pending.length === 0 && !(await isRefilled(top, path))) {
      open.pop()
      continue
    }
    if (entries.length === limit) return { entries, next: encodeCursor(open.map(({ level }) => level)) }
    const { name, entry } = top.pending.pop()!
    const behind = { ...top.level.behind, [top.order]: name }
    entries.push({ names: [...path, name], entry })
    const isEntered = isRecursive && entry instanceof Folder
    top.level = { behind, ...(isEntered && { inside: name }) }
    if (isEntered) open.push(opened({ behind: {} }))
  }
  return { entries }

  /** Gets the next page of a folder. */
  async function isRefilled(top: Open, path: Names): Promise<boolean> {
    if (!top.isMore) return false
    const wanted = limit - entries.length + 1
    const range = { behind: top.level.behind, limit: isRecursive ? Math.min(wanted, pageEntries) : wanted }
    let page: FolderPage
    try {
      page = await pageAt([...names, ...path], range)
    } catch (error) {
      if (path.length > 0 && isGone(error)) return false
      throw error
    }
    top.pending = page.entries.toReversed()
    top.order = page.order
    top.isMore = page.isMore
    return page.entries.length > 0
  }
}

function opened(level: CursorLevel): Open {
  return { level, pending: [], order: 'names', isMore: true }
}

function isGone(error: unknown): boolean {
  return error instanceof JournalError && ['JOURNAL_NOT_FOUND', 'JOURNAL_NOT_A_FOLDER'].includes(error.code)
}
