/** Looks what is at a path, if anything is. */
import { JournalError } from './errors.ts'
import type { Files, Stat } from './journal.ts'

export async function kindAt(
  files: Pick<Files, 'stat'>,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Stat['kind'] | undefined> {
  try {
    return (await files.stat(path, { signal })).kind
  } catch (error) {
    if (error instanceof JournalError && error.code === 'JOURNAL_NOT_FOUND') return undefined
    throw error
  }
}
