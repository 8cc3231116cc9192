/** `fs.flush`, `journal.status`, `journal.checkpoint`: the tree as CIDs, and how it is kept. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { mostCheckpoints } from '../checks.ts'
import { checkpoint, checkpointOf, count, path, failure, failureOf } from './fields.ts'
import type { JournalSlice } from './part.ts'
import { recovered, recoveredBy, recoveredLines } from './recovered.ts'

/** Flushes. */
export const fsFlush = operation<JournalSlice<'flush'>>()({
  name: 'fs.flush',
  summary: 'Write what has changed, and give the CID at a path',
  parts: ['journal'],
  input: z.object({ path: path.default('/') }),
  output: z.object({ path: z.string(), cid: z.string() }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['cli', 'mcp-opt-in'],
  command: { name: 'fs flush', arguments: ['path'] },
  text: ({ cid }) => cid,
  run: async ({ journal }, input, { signal }) => ({
    path: input.path,
    cid: (await journal.flush(input.path, { signal })).toString(),
  }),
})

/** Tells how the journal is. */
export const journalStatus = operation<JournalSlice<'stats' | 'recovery'>>()({
  name: 'journal.status',
  summary: 'Show how the tree is kept: changes, checkpoints, and what the opening has recovered',
  parts: ['journal'],
  input: z.object({}),
  output: z.object({
    state: z.enum(['open', 'failed', 'closed']).describe('failed: its log takes nothing any more'),
    sequence: count.describe('changes since the tree began'),
    changesSinceCheckpoint: count.describe('of them, those that are in no checkpoint'),
    checkpoint: checkpoint.optional().describe('the last one'),
    checkpointFailure: failure
      .optional()
      .describe('why the last one could not be written; it is tried again'),
    logBytes: count,
    recovery: recovered.describe('what the opening has recovered'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli', 'mcp-opt-in'],
  text: (status) =>
    [
      `${status.state}, ${status.sequence} changes, ${status.changesSinceCheckpoint} of them in no checkpoint`,
      status.checkpoint === undefined
        ? 'no checkpoint yet'
        : `checkpoint ${status.checkpoint.cid} of ${status.checkpoint.at}`,
      ...(status.checkpointFailure === undefined
        ? []
        : [`no checkpoint can be written: ${status.checkpointFailure.message}`]),
      `log ${status.logBytes} bytes`,
      `opened with ${recoveredLines(status.recovery).join('\n')}`,
    ].join('\n'),
  async run({ journal }) {
    const { checkpoint: last, checkpointFailure, ...stats } = journal.stats()
    const { state, sequence, changesSinceCheckpoint, logBytes } = stats
    return {
      ...{ state, sequence, changesSinceCheckpoint, logBytes },
      ...(last !== undefined && { checkpoint: checkpointOf(last) }),
      ...(checkpointFailure !== undefined && { checkpointFailure: failureOf(checkpointFailure) }),
      recovery: recoveredBy(journal.recovery),
    }
  },
})

/** Makes a checkpoint. */
export const journalCheckpoint = operation<JournalSlice<'checkpoint'>>()({
  name: 'journal.checkpoint',
  summary: 'Write the whole tree, so that an opening need not do again what came before',
  parts: ['journal'],
  input: z.object({
    keep: z
      .int()
      .min(1)
      .max(mostCheckpoints)
      .optional()
      .describe('keep so many now, this one too: what only others have makes room; default as configured'),
  }),
  output: checkpoint,
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['cli', 'mcp-opt-in'],
  text: ({ cid, sequence }) => `${cid}, with ${sequence} changes`,
  run: async ({ journal }, { keep }, { signal }) =>
    checkpointOf(await journal.checkpoint({ ...(keep !== undefined && { keep }), signal })),
})
