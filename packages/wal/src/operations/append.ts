/** `wal.append`, `wal.list`, `wal.get`: what is promised. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { WalError } from '../errors.ts'
import type { OperationTypeName } from '../store/operation.ts'
import { maxTimeoutMs } from '../wal/new-operation.ts'
import { count, filterFields, filterOf, moment, notFound, operationId } from './fields.ts'
import { loggedOperation, operationLine } from './logged-operation.ts'
import type { WalSlice } from './part.ts'

/** Promises an operation. */
export const walAppend = operation<WalSlice<'append'>>()({
  name: 'wal.append',
  summary: 'Promise an operation; it is on the disk when this answers, and is done afterwards',
  parts: ['wal'],
  input: z.object({
    type: z.string().min(1).max(200).describe('type of the operation, for which there is a handler'),
    params: z.string().max(1_048_576).default('{}').describe('parameters, a JSON object'),
    backend: z.string().min(1).max(200).optional().describe('backend whose limit and health it stands under'),
    priority: z.int().min(0).max(9).default(5).describe('the larger first'),
    notBefore: moment.optional().describe('when it may begin; default at once'),
    expiresAt: moment.optional().describe('when it fails if it has not ended'),
    after: z
      .string()
      .regex(/^[1-9]\d{0,14}(,[1-9]\d{0,14}){0,999}$/, 'it is ids with commas, 1,000 at most')
      .optional()
      .describe('ids of operations that have to be completed before, with commas'),
    cids: z
      .string()
      .regex(/^[A-Za-z0-9]{1,1000}(,[A-Za-z0-9]{1,1000}){0,999}$/)
      .max(100_000)
      .optional()
      .describe('CIDs to retain while it is unfinished, with commas, besides those that its parameters name'),
    key: z.string().min(1).max(200).optional().describe('idempotency key: a second one gives the first'),
    maxAttempts: z.int().min(1).max(100).optional().describe('attempts until it has failed'),
    timeoutMs: z.int().min(1).max(maxTimeoutMs).optional().describe('milliseconds that an attempt may take'),
  }),
  output: z.object({
    isNew: z.boolean().describe('false: its key was used before, and this is that operation'),
    operation: loggedOperation,
  }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  doors: ['cli'],
  text: (answer) => `${operationLine(answer.operation)}${answer.isNew ? '' : '  was there before'}`,
  run({ wal }, input, { signal }) {
    const { type, params, notBefore, expiresAt, after, cids, ...rest } = input
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
    return wal.append(
      {
        ...given,
        // The log refuses what nobody has registered.
        type: type as OperationTypeName,
        params: paramsOf(params),
        ...(notBefore !== undefined && { notBefore: Date.parse(notBefore) }),
        ...(expiresAt !== undefined && { expiresAt: Date.parse(expiresAt) }),
        ...(after !== undefined && { after: after.split(',').map(Number) }),
        ...(cids !== undefined && { cids: cids.split(',') }),
      },
      { signal },
    )
  },
})

/** Lists operations. */
export const walList = operation<WalSlice<'list'>>()({
  name: 'wal.list',
  summary: 'List operations with all that the log has of them, the newest first',
  parts: ['wal'],
  input: z.object({
    ...filterFields,
    before: operationId.optional().describe('ids below this one; the last page has told it'),
    limit: z.int().min(1).max(1000).default(50).describe('operations of a page'),
  }),
  output: z.object({
    operations: z.array(loggedOperation).readonly(),
    next: count.optional().describe('for before, if there is more'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: ({ operations, next }) => pageText(operations.map(operationLine), next),
  run: ({ wal }, { before, limit, ...filter }, { signal }) =>
    wal.list({ ...filterOf(filter), ...(before !== undefined && { before }), limit, signal }),
})

/** Shows an operation. */
export const walGet = operation<WalSlice<'get'>>()({
  name: 'wal.get',
  summary: 'Show all that the log has of an operation',
  parts: ['wal'],
  input: z.object({ id: operationId }),
  output: loggedOperation,
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  async run({ wal }, { id }, { signal }) {
    const found = await wal.get(id, { signal })
    if (found === undefined) throw notFound(id)
    return found
  },
})

/** A page for a terminal. */
export function pageText(lines: readonly string[], next: number | undefined): string {
  if (lines.length === 0) return 'none'
  return [...lines, ...(next === undefined ? [] : [`more: --before ${next}`])].join('\n')
}

function paramsOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new WalError('WAL_PARAMS_INVALID', 'The parameters are no JSON', { cause })
  }
}
