/** `jobs.*`: operations as users see them. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { LoggedOperation } from '../store/operation.ts'
import { count, filterFields, filterOf, notFound, operationId } from './fields.ts'
import { jobLine, jobOf, jobSchema, jobText, type ShownJob, shownJobOf, shownJobSchema } from './job.ts'
import { pageText } from './append.ts'
import type { WalSlice } from './part.ts'

/** Lists jobs. */
export const jobsList = operation<WalSlice<'list'>>()({
  name: 'jobs.list',
  summary: 'List jobs with their progress, the newest first',
  parts: ['wal'],
  input: z.object({
    ...filterFields,
    before: operationId.optional().describe('ids below this one; the last page has told it'),
    limit: z.int().min(1).max(200).default(20).describe('jobs of a page'),
  }),
  output: z.object({
    jobs: z.array(jobSchema),
    next: count.optional().describe('for before, if there is more'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  text: ({ jobs, next }) => pageText(jobs.map(jobLine), next),
  async run({ wal }, { before, limit, ...filter }, { signal }) {
    const page = await wal.list({
      ...filterOf(filter),
      ...(before !== undefined && { before }),
      limit,
      signal,
    })
    return {
      jobs: page.operations.map((one) => jobOf(one, Date.now())),
      ...(page.next !== undefined && { next: page.next }),
    }
  },
})

const one = {
  parts: ['wal'],
  input: z.object({ id: operationId }),
  output: shownJobSchema,
  body: 'none',
  returns: 'value',
  text: jobText,
} as const

/** Shows a job. */
export const jobsShow = operation<WalSlice<'get'>>()({
  ...one,
  name: 'jobs.show',
  summary: 'Show a job: how far it is, what failed and why, and what to do next',
  effect: 'read',
  scope: 'content:read',
  async run({ wal }, { id }, { signal }) {
    const found = await wal.get(id, { signal })
    if (found === undefined) throw notFound(id)
    return now(found)
  },
})

/** Waits for a job. */
export const jobsWait = operation<WalSlice<'wait'>>()({
  ...one,
  name: 'jobs.wait',
  summary: 'Wait until a job has ended, and show what has become of it',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  outcome: ({ state, failedItems }) => {
    if (state !== 'completed') return 'internal'
    return failedItems > 0 ? 'partial' : undefined
  },
  run: async ({ wal }, { id }, { signal }) => now(await wal.wait(id, { signal })),
})

/** Cancels a job. */
export const jobsCancel = operation<WalSlice<'cancel'>>()({
  ...one,
  name: 'jobs.cancel',
  summary: 'Cancel a job, and wait until it has stopped; what it has done stays',
  input: z.object({ id: operationId, reason: z.string().max(1000).optional().describe('why, for the log') }),
  effect: 'destructive',
  scope: 'content:write',
  run: async ({ wal }, { id, reason }, { signal }) =>
    now(await wal.cancel(id, { signal, ...(reason !== undefined && { reason }) })),
})

/** Pauses a job. */
export const jobsPause = operation<WalSlice<'pause'>>()({
  ...one,
  name: 'jobs.pause',
  summary: 'Stop a job so that it can go on later',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['cli'],
  run: async ({ wal }, { id }, { signal }) => now(await wal.pause(id, { signal })),
})

/** Lets a job go on. */
export const jobsResume = operation<WalSlice<'resume'>>()({
  ...one,
  name: 'jobs.resume',
  summary: 'Let a paused job go on',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['cli'],
  run: async ({ wal }, { id }, { signal }) => now(await wal.resume(id, { signal })),
})

/** Tries a job again. */
export const jobsRetry = operation<WalSlice<'retry'>>()({
  ...one,
  name: 'jobs.retry',
  summary: 'Try a failed or cancelled job again',
  effect: 'write',
  scope: 'content:write',
  run: async ({ wal }, { id }, { signal }) => now(await wal.retry(id, { signal })),
})

function now(operation: LoggedOperation): ShownJob {
  return shownJobOf(operation, Date.now())
}
