/** What the operations use of a journal, lent under the name `journal`. */
import { z } from 'zod'
import { longestTransactionMs } from '../checks.ts'
import type { Files, Journal } from '../journal.ts'

/** The calls that an operation uses. */
export type JournalSlice<Calls extends keyof Journal> = { readonly journal: Pick<Journal, Calls> }

/** The calls on files that an operation uses, of the tree or of a transaction. */
export type FilesSlice<Calls extends keyof Files> = {
  readonly journal: Pick<Files, Calls> & { transaction(id: string): Pick<Files, Calls> }
}

/** What is meant by {@link filesOf}. */
export const transaction = z
  .string()
  .min(1)
  .optional()
  .describe('id of a transaction, as journal.begin gives it; default none: the tree itself')

/** The files of a transaction, or of the tree. @throws JournalError JOURNAL_TRANSACTION_ENDED, JOURNAL_TRANSACTION_UNKNOWN */
export function filesOf<Calls extends keyof Files>(
  journal: FilesSlice<Calls>['journal'],
  id: string | undefined,
): Pick<Files, Calls> {
  return id === undefined ? journal : journal.transaction(id)
}

/** The calls of an operation that does several of them as one change. */
export type ChangeSlice = { readonly journal: Pick<Journal, keyof Files | 'begin' | 'transaction'> }

/** Does several calls as one change: in the transaction that is named, or in one of their own. */
export async function atOnce(
  journal: ChangeSlice['journal'],
  { transaction: id, signal }: { readonly transaction: string | undefined; readonly signal: AbortSignal },
  work: (files: Files) => Promise<void>,
): Promise<void> {
  if (id !== undefined) return await work(journal.transaction(id))
  // Who sends a file may be slow.
  await using own = journal.begin({ name: 'fs operation', timeoutMs: longestTransactionMs })
  await work(own)
  await own.commit({ signal })
}
