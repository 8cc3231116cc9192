/** `journal.health`: whether all is well with the tree and its log. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { count } from './fields.ts'
import type { JournalSlice } from './part.ts'

const share = z.number().min(0).max(1)
const ms = z.number().min(0)

/** Tells whether all is well. */
export const journalHealth = operation<JournalSlice<'health'>>()({
  name: 'journal.health',
  summary: 'Show whether the tree takes changes, what is above its threshold, and the numbers',
  parts: ['journal'],
  input: z.object({}),
  output: z.object({
    state: z.enum(['healthy', 'degraded', 'stopped']).describe('stopped: it takes nothing any more'),
    alerts: z.array(
      z.object({ alert: z.string(), value: z.number(), threshold: z.number(), message: z.string() }),
    ),
    figures: z.object({
      changes: count.describe('since the tree began'),
      changesWithinHour: count,
      changesSinceCheckpoint: count,
      checkpointAgeMs: ms.describe('since the first change that is in no checkpoint'),
      treeBytes: count.describe('at the last checkpoint'),
      treeGrowthBytes: z.int().describe('within the last hour'),
      logBytes: count,
      memoryEntries: count.describe('entries of folders that are in memory'),
      failureShare: share.describe('of the changes of the last ten minutes'),
      slowChangeShare: share,
      openTransactions: count,
      oldestTransactionMs: ms,
    }),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli', 'mcp-opt-in'],
  text: ({ state, alerts, figures }) =>
    [
      state,
      ...alerts.map(({ message }) => `  ${message}`),
      `${figures.changesWithinHour} changes within the last hour, ${figures.changesSinceCheckpoint} in no checkpoint`,
      `tree ${figures.treeBytes} bytes, ${figures.treeGrowthBytes} more than an hour ago; log ${figures.logBytes} bytes`,
    ].join('\n'),
  async run({ journal }) {
    const { state, alerts, figures } = journal.health()
    return { state, alerts: [...alerts], figures }
  },
})
