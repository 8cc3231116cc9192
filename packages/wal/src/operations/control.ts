/** `wal.retry`, `wal.cancel`, `wal.delete`: what becomes of operations. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { count, filterOf, finishedFields, operationId } from './fields.ts'
import { loggedOperation, operationLine } from './logged-operation.ts'
import type { WalSlice } from './part.ts'

/** Tries again. */
export const walRetry = operation<WalSlice<'retry'>>()({
  name: 'wal.retry',
  summary: 'Queue a failed or cancelled operation again',
  parts: ['wal'],
  input: z.object({ id: operationId }),
  output: loggedOperation,
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  doors: ['cli'],
  text: operationLine,
  run: ({ wal }, { id }, { signal }) => wal.retry(id, { signal }),
})

/** Cancels. */
export const walCancel = operation<WalSlice<'cancel'>>()({
  name: 'wal.cancel',
  summary: 'End an operation before its end, and wait until it has stopped',
  parts: ['wal'],
  input: z.object({ id: operationId, reason: z.string().max(1000).optional().describe('why, for the log') }),
  output: loggedOperation,
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'content:write',
  doors: ['cli'],
  text: operationLine,
  run: ({ wal }, { id, reason }, { signal }) =>
    wal.cancel(id, { signal, ...(reason !== undefined && { reason }) }),
})

/** Removes what has ended. */
export const walDelete = operation<WalSlice<'deleteFinished'>>()({
  name: 'wal.delete',
  summary: 'Remove finished operations: all of them, or those that the options name',
  parts: ['wal'],
  input: z.object(finishedFields),
  output: z.object({ operations: count.describe('Operations that were removed') }),
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'admin',
  idempotent: true,
  doors: ['cli'],
  text: ({ operations }) => `removed ${operations} operations`,
  run: async ({ wal }, input, { signal }) => ({
    operations: await wal.deleteFinished({ ...filterOf(input), signal }),
  }),
})
