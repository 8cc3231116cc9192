/** What a process that will be killed says, line by line. */
import { createHash } from 'node:crypto'
import type { JournalErrorCode } from '@ipfs-kit/journal'
import type { PlainOp } from '../plain-tree.ts'

/** Tells a line that is whole from one that was cut. */
export const lineEnd = ' .'

/** A line of the child. */
export type Said =
  /** What it has found when it was begun. */
  | { readonly rows: readonly (readonly [path: string, row: string])[]; readonly harms: number }
  | { readonly folder: string; readonly begins: readonly PlainOp[] }
  | { readonly folder: string; readonly answers: readonly (JournalErrorCode | null)[] }
  | { readonly root: string }

/** A row that may be long. */
export function briefRow(row: string): string {
  return row.length <= 200 ? row : createHash('sha256').update(row).digest('hex')
}
