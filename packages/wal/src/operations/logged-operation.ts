/** An operation as the log has it, as a schema. */
import { z } from 'zod'
import { at, count, failure, operationId, state } from './fields.ts'

const json = z.unknown().describe('JSON')

const attempt = z.object({
  attempt: count.describe('From 1'),
  epoch: count.describe('The opening of the log that ran it'),
  startedAt: at,
  fromBytes: count.optional().describe('Bytes of the progress that it found'),
  endedAt: at.optional(),
  outcome: z.enum(['completed', 'failed', 'interrupted', 'cancelled', 'released']).optional(),
  failure: failure.optional(),
})

/** How far something is. */
export const progressSchema = z.object({
  stage: z.string(),
  bytes: count,
  totalBytes: count.optional(),
  items: count.optional(),
  totalItems: count.optional(),
})

/** What became of items. */
export const itemsSchema = z.object({
  done: count,
  failed: count,
  results: z
    .array(z.object({ name: z.string(), result: json.optional(), failure: failure.optional() }))
    .readonly()
    .describe('The failed ones, and the first of the others'),
})

/** An operation as the log has it. */
export const loggedOperation = z.object({
  id: operationId,
  lsn: count.describe('The record that changed it last'),
  type: z.string(),
  params: z.record(z.string(), json),
  backend: z.string().optional(),
  priority: count,
  after: z.array(count).readonly().describe('Operations that have to be completed before'),
  key: z.string().optional().describe('Idempotency key'),
  timeoutMs: z.number(),
  expiresAt: at.optional(),
  maxAttempts: count,
  onInterrupted: z.enum(['retry', 'fail']),
  cids: z.array(z.string()).readonly().describe('Retained while it is unfinished'),
  createdAt: at,
  state,
  paused: z.boolean(),
  dueAt: at,
  waitingFor: count.describe('Dependencies that have not completed'),
  brokenBy: count.optional().describe('A dependency that failed or was cancelled'),
  epoch: count.optional(),
  attemptCount: count,
  attemptLimit: count,
  attempts: z.array(attempt).readonly().describe('The last ones'),
  progress: progressSchema.optional(),
  items: itemsSchema.optional(),
  checkpoint: json.optional(),
  result: json.optional(),
  failure: failure.optional(),
  finishedAt: at.optional(),
})

/** A line for a terminal. */
export function operationLine(operation: z.output<typeof loggedOperation>): string {
  const { id, type, attemptCount, paused, failure: why } = operation
  const attempts = attemptCount === 1 ? '1 attempt' : `${attemptCount} attempts`
  return [
    `${id}  ${type}  ${operation.state}${paused ? ' (paused)' : ''}  ${attempts}`,
    ...(operation.backend === undefined ? [] : [operation.backend]),
    ...(why === undefined ? [] : [`${why.code}: ${why.message}`]),
  ].join('  ')
}
