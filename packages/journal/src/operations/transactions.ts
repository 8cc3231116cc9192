/** `journal.begin`, `journal.commit`, `journal.rollback`, `journal.transactions`: changes that come at once, or not at all. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { TransactionStatus } from '../journal.ts'
import { count } from './fields.ts'
import type { JournalSlice } from './part.ts'

const states = ['open', 'committing', 'committed', 'rolled-back', 'expired', 'conflict'] as const

const statusSchema = z.object({
  id: z.string().describe('give it as transaction to fs operations'),
  name: z.string(),
  state: z
    .enum(states)
    .describe(
      'expired: it was open for too long; conflict: what it had used has changed; both have changed nothing',
    ),
  beganAt: z.iso.datetime(),
  openMs: count.describe('milliseconds that it has been open for, or was'),
  steps: count.describe('steps that it has done'),
  conflict: z.string().optional().describe('path whose change by somebody else has ended it'),
})

const common = {
  parts: ['journal'],
  body: 'none',
  returns: 'value',
  scope: 'content:write',
  doors: ['cli', 'mcp-opt-in'],
} as const

const id = z.string().min(1).describe('id of the transaction')

/** Begins. */
export const journalBegin = operation<JournalSlice<'begin'>>()({
  ...common,
  name: 'journal.begin',
  summary:
    'Begin a transaction: fs operations that name it are seen by others when it commits. It lives in a server',
  input: z.object({
    name: z.string().min(1).max(200).optional().describe('for who lists transactions'),
    timeoutMs: z
      .int()
      .min(1)
      .max(86_400_000)
      .optional()
      .describe(
        'milliseconds after which it is rolled back; default five minutes, or as the journal was opened',
      ),
  }),
  output: statusSchema,
  effect: 'write',
  text: (status) => status.id,
  run: async ({ journal }, { name, timeoutMs }) =>
    shown(
      journal
        .begin({ ...(name !== undefined && { name }), ...(timeoutMs !== undefined && { timeoutMs }) })
        .status(),
    ),
})

/** Commits. */
export const journalCommit = operation<JournalSlice<'transaction'>>()({
  ...common,
  name: 'journal.commit',
  summary: "Make the changes of a transaction everybody's, all or none",
  input: z.object({ id }),
  output: statusSchema,
  effect: 'write',
  text: line,
  async run({ journal }, input, { signal }) {
    const transaction = journal.transaction(input.id)
    await transaction.commit({ signal })
    return shown(transaction.status())
  },
})

/** Rolls back. */
export const journalRollback = operation<JournalSlice<'transaction'>>()({
  ...common,
  name: 'journal.rollback',
  summary: 'Forget the changes of a transaction',
  input: z.object({ id }),
  output: statusSchema,
  effect: 'destructive',
  idempotent: true,
  text: line,
  async run({ journal }, input) {
    const transaction = journal.transaction(input.id)
    await transaction.rollback()
    return shown(transaction.status())
  },
})

/** Lists. */
export const journalTransactions = operation<JournalSlice<'transactions'>>()({
  ...common,
  name: 'journal.transactions',
  summary: 'List the transactions that are open, and the last 100 that have ended, by their age',
  input: z.object({}),
  output: z.object({ transactions: z.array(statusSchema) }),
  effect: 'read',
  scope: 'content:read',
  text: ({ transactions }) => (transactions.length === 0 ? 'none' : transactions.map(line).join('\n')),
  run: async ({ journal }) => ({ transactions: journal.transactions().map(shown) }),
})

function shown({ beganAt, openMs, ...status }: TransactionStatus): z.output<typeof statusSchema> {
  return { ...status, beganAt: new Date(beganAt).toISOString(), openMs: Math.round(openMs) }
}

function line({
  id: its,
  name,
  state,
  beganAt,
  openMs,
  steps,
  conflict,
}: z.output<typeof statusSchema>): string {
  const why = conflict === undefined ? '' : `  ${conflict}`
  return `${its}  ${state}  ${beganAt}  ${openMs} ms  ${steps} steps  ${name}${why}`
}
