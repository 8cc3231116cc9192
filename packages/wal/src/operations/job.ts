/** A job: an operation as users see it. */
import { z } from 'zod'
import { isAbandoned } from '../store/change.ts'
import { type Attempt, isFinished, type LoggedOperation } from '../store/operation.ts'
import { count, failure, operationId, state } from './fields.ts'

const itemFailure = z.object({ name: z.string() }).extend(failure.shape)

/** A job. */
export const jobSchema = z.object({
  id: operationId,
  lsn: count.describe('The record of the log that changed it last'),
  type: z.string(),
  backend: z.string().optional(),
  cids: z.array(z.string()).describe('CIDs that it needs, the first of them'),
  state,
  stored: z
    .literal('running')
    .optional()
    .describe('The state that the log has, where its process has ended and nobody has opened the log since'),
  paused: z.boolean(),
  stage: z.string().optional().describe('What it does now, or did last'),
  bytes: count.optional().describe('Bytes done in this stage'),
  totalBytes: count.optional().describe('Bytes in all, if known'),
  percent: z.number().optional().describe('100 means that it is completed, and nothing else does'),
  bytesPerSecond: z
    .number()
    .optional()
    .describe('Bytes that the last attempt has done, by its time until now'),
  items: count.optional().describe('Items done'),
  totalItems: count.optional().describe('Items in all, if known'),
  failedItems: count.describe('Items that failed'),
  failures: z.array(itemFailure).describe('The first of them, by name'),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional().describe('When the first attempt that is known began'),
  finishedAt: z.iso.datetime().optional(),
  dueAt: z.iso.datetime().optional().describe('When the next attempt may begin'),
  attempts: count.describe('Attempts begun'),
  maxAttempts: count.describe('It has failed when so many have; raised by what does not count'),
  failure: failure.optional().describe('Why it has failed, or is to be tried again'),
  next: z.string().optional().describe('What to do next, if there is something'),
})

/** A job. */
export type Job = z.output<typeof jobSchema>

/** A job by itself: with what was asked for, and what came of it. */
export const shownJobSchema = jobSchema.extend({
  failedAttempts: z
    .array(failure.extend({ attempt: count.describe('From 1') }))
    .describe('Attempts that have failed or were interrupted, the last of them'),
  params: z.record(z.string(), z.unknown()).describe('What was asked for'),
  result: z.unknown().optional().describe('What has come of it'),
})

/** A job by itself. */
export type ShownJob = z.output<typeof shownJobSchema>

/** Failures of items that a job shows. */
const maxFailures = 100
/** Attempts that failed that a job shows. */
const maxFailedAttempts = 10
/** CIDs that a job shows. */
const maxCids = 10
/** Characters of parameters and result on a terminal. */
const maxText = 1000

/** The job that an operation is, at a time. */
export function jobOf(operation: LoggedOperation, now: number): Job {
  const { id, lsn, type, backend, cids, paused, progress, items, attempts, createdAt, finishedAt } = operation
  const isDone = isFinished(operation)
  const isLeft = isAbandoned(operation)
  const startedAt = attempts[0]?.startedAt
  const percent = percentOf(operation)
  const bytesPerSecond = rateOf(operation, now)
  const doneItems = progress?.items ?? (items && items.done + items.failed)
  const next = nextOf(operation, now)
  return {
    ...{ id, lsn, type, state: operation.state },
    ...(isLeft && { stored: 'running' as const }),
    paused,
    ...(backend !== undefined && { backend }),
    cids: cids.slice(0, maxCids),
    ...(progress !== undefined && { stage: progress.stage, bytes: progress.bytes }),
    ...(progress?.totalBytes !== undefined && { totalBytes: progress.totalBytes }),
    ...(percent !== undefined && { percent }),
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    ...(doneItems !== undefined && { items: doneItems }),
    ...(progress?.totalItems !== undefined && { totalItems: progress.totalItems }),
    failedItems: items?.failed ?? 0,
    failures: failuresOf(operation),
    createdAt: isoOf(createdAt),
    ...(startedAt !== undefined && { startedAt: isoOf(startedAt) }),
    ...(finishedAt !== undefined && { finishedAt: isoOf(finishedAt) }),
    ...(!isDone && !isLeft && operation.state !== 'running' && { dueAt: isoOf(operation.dueAt) }),
    attempts: operation.attemptCount,
    maxAttempts: operation.attemptLimit,
    ...(operation.failure !== undefined && { failure: operation.failure }),
    ...(next !== undefined && { next }),
  }
}

/** The same by itself. */
export function shownJobOf(operation: LoggedOperation, now: number): ShownJob {
  const { params, result, attempts } = operation
  const failedAttempts = attempts
    .flatMap(({ attempt, failure: why }) => (why === undefined ? [] : [{ attempt, ...why }]))
    .slice(-maxFailedAttempts)
  return { ...jobOf(operation, now), failedAttempts, params, ...(result !== undefined && { result }) }
}

/** A job as a line for a terminal. */
export function jobLine(job: Job): string {
  const { id, type, backend, bytes, totalBytes, percent, bytesPerSecond, items, totalItems } = job
  const of = (total: number | undefined): string => (total === undefined ? '' : ` of ${total}`)
  return [
    `${id}  ${type}  ${job.state}${job.paused ? ' (paused)' : ''}`,
    ...(backend === undefined ? [] : [backend]),
    ...(job.cids.length === 0 ? [] : [job.cids[0]!]),
    ...(percent === undefined ? [] : [`${percent} %`]),
    ...(job.stage === undefined || job.state === 'completed' ? [] : [job.stage]),
    ...(bytes === undefined || bytes === 0 ? [] : [`${bytes}${of(totalBytes)} bytes`]),
    ...(bytesPerSecond === undefined || bytesPerSecond === 0 ? [] : [`${bytesPerSecond} bytes/s`]),
    ...(items === undefined ? [] : [`${items}${of(totalItems)} items`]),
    ...(job.failedItems === 0 ? [] : [`${job.failedItems} failed`]),
    ...(job.failure === undefined ? [] : [`${job.failure.code}: ${job.failure.message}`]),
  ].join('  ')
}

/** A job with all there is to know of it, for a terminal. */
export function jobText(job: ShownJob): string {
  const { createdAt, startedAt, finishedAt, dueAt, attempts, maxAttempts, failedAttempts, failures, next } =
    job
  const dates = [
    `promised ${createdAt}`,
    ...(startedAt === undefined ? [] : [`begun ${startedAt}`]),
    ...(finishedAt === undefined ? [] : [`ended ${finishedAt}`]),
    ...(dueAt === undefined ? [] : [`due ${dueAt}`]),
  ]
  // What the first line says is not said again.
  const earlier = failedAttempts.filter(({ attempt }) => job.failure === undefined || attempt < attempts)
  return [
    jobLine(job),
    dates.join(', '),
    `attempts: ${attempts} of ${maxAttempts}`,
    ...earlier.map(({ attempt, code, message }) => `  attempt ${attempt}: ${code}: ${message}`),
    `asked for: ${shortJson(job.params)}`,
    ...(job.result === undefined ? [] : [`result: ${shortJson(job.result)}`]),
    ...failures.map(({ name, code, message }) => `  ${name}: ${code}: ${message}`),
    ...(next === undefined ? [] : [next]),
  ].join('\n')
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length <= maxText ? text : `${text.slice(0, maxText)}…`
}

/** 100 is kept for what is completed: all bytes may be done while the rest is not. */
function percentOf({ state: current, progress }: LoggedOperation): number | undefined {
  if (current === 'completed') return 100
  if (progress === undefined) return undefined
  const { bytes, totalBytes, items, totalItems } = progress
  const part =
    totalBytes !== undefined && totalBytes > 0
      ? bytes / totalBytes
      : items !== undefined && totalItems !== undefined && totalItems > 0
        ? items / totalItems
        : undefined
  return part === undefined ? undefined : Math.max(0, Math.min(99, Math.floor(part * 100)))
}

function rateOf(operation: LoggedOperation, now: number): number | undefined {
  const { attempts, progress } = operation
  const last = attempts.at(-1)
  if (last === undefined || progress === undefined || isAbandoned(operation)) return undefined
  const ms = (last.endedAt ?? now) - last.startedAt
  return ms > 0 ? Math.round((doneIn(last, operation) * 1000) / ms) : undefined
}

/** Bytes that an attempt has done: one that finds a checkpoint goes on, any other begins anew; what it found is not its own. */
function doneIn({ fromBytes = 0 }: Attempt, { checkpoint, progress }: LoggedOperation): number {
  const bytes = progress?.bytes ?? 0
  if (checkpoint !== undefined) return Math.max(0, bytes - fromBytes)
  return bytes === fromBytes ? 0 : bytes
}

function failuresOf({ items }: LoggedOperation): Job['failures'] {
  const failed = items?.results.flatMap(({ name, failure: why }) =>
    why === undefined ? [] : [{ name, ...why }],
  )
  return failed?.slice(0, maxFailures) ?? []
}

function nextOf(operation: LoggedOperation, now: number): string | undefined {
  const { id, state: current, paused, brokenBy, waitingFor, dueAt, items } = operation
  if (isAbandoned(operation)) {
    const then =
      current === 'failed' ? `ends as failed; then try it again with jobs retry ${id}` : 'is queued again'
    return `Nobody runs it, and the log has it as running: when the log is opened it ${then}.`
  }
  if (current === 'failed' || current === 'cancelled') {
    const cause = brokenBy === undefined ? '' : `See what became of job ${brokenBy} first. `
    return `${cause}Try it again with jobs retry ${id}.`
  }
  if (current === 'completed') {
    return items !== undefined && items.failed > 0 ? `See which items failed: jobs show ${id}.` : undefined
  }
  if (paused) return `Let it go on with jobs resume ${id}.`
  if (current === 'queued' && waitingFor > 0) return `It waits for ${waitingFor} other jobs.`
  if (current === 'retrying' && dueAt > now) return `It is tried again at ${isoOf(dueAt)}.`
  return undefined
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
