/** `jobs.follow`: jobs as they change. */
import { channel, createOwner, sleep } from '@ipfs-kit/concurrency'
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { isFinished } from '../store/operation.ts'
import type { CallOptions } from '../log/log.ts'
import type { OperationFilter } from '../store/operation-index.ts'
import type { MissedChanges, OperationChange, Wal } from '../wal/wal.ts'
import { count, filterFields, filterOf, notFound, operationId } from './fields.ts'
import { jobLine, jobOf, jobSchema } from './job.ts'
import type { WalSlice } from './part.ts'

/** How often is told that nothing has changed: who waits for an answer gives up at some time. */
const quietMs = 30_000
/** Lines that wait for the reader; what comes beyond them waits in the log, and is told as missed if it is too much. */
const linesAhead = 16

/** A line. */
export const followLine = z.object({
  lsn: count.describe('All changes up to this record were told; go on with from, one more'),
  job: jobSchema.optional().describe('What has changed; absent where nothing has'),
  missed: z
    .object({ after: count, through: count })
    .optional()
    .describe('Changes that were not told: the reader was too slow, or the log has let them go'),
})

type Line = z.output<typeof followLine>

const filterKeys = Object.keys(filterFields) as (keyof typeof filterFields)[]

/** Follows jobs. */
export const jobsFollow = operation<WalSlice<'follow' | 'get' | 'stats'>>()({
  name: 'jobs.follow',
  summary: 'Follow jobs as they change, or one until it has ended',
  parts: ['wal'],
  input: z
    .object({
      id: operationId.optional().describe('one job, as it is and then until it has ended; default all'),
      from: z.int().min(1).optional().describe('LSN of the first change to tell; default what follows'),
      ...filterFields,
    })
    .refine(
      (input) => input.id === undefined || filterKeys.every((key) => input[key] === undefined),
      'one job is followed until it has ended, whatever its state: give an id, or which jobs to follow',
    ),
  output: followLine,
  body: 'none',
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  command: { name: 'jobs follow', arguments: ['id'] },
  text: lineText,
  async *run({ wal }, { id, from, ...filter }, { signal }) {
    if (id === undefined) {
      yield* changes(wal, { ...filterOf(filter), signal, from: from ?? wal.stats().index.appliedLsn + 1 })
      return
    }
    const found = await wal.get(id, { signal })
    if (found === undefined) throw notFound(id)
    yield { lsn: found.lsn, job: jobOf(found, Date.now()) }
    if (isFinished(found)) return
    for await (const told of changes(wal, { id, signal, from: found.lsn + 1 })) {
      yield told
      if (told.job?.finishedAt !== undefined) return
    }
  },
})

type Followed = OperationFilter & CallOptions & { readonly id?: number; readonly from: number }

/** The changes, and in between that there is none. The first line comes at once. */
async function* changes(wal: Pick<Wal, 'follow' | 'stats'>, options: Followed): AsyncGenerator<Line> {
  await using owner = createOwner({ name: 'jobs.follow' })
  const [out, incoming] = channel<Line>(linesAhead, { name: 'changes of jobs' })
  let lsn = Math.min(options.from, wal.stats().log.nextLsn) - 1
  yield { lsn }
  const quiet = owner.spawn(async () => {
    for (;;) {
      await sleep(quietMs)
      out.trySend({ lsn })
    }
  })
  owner.spawn(async () => {
    try {
      for await (const change of wal.follow(options)) await out.send(lineOf(change, Date.now()))
      quiet.cancel()
      out.close()
    } catch (error) {
      quiet.cancel()
      out.close(error)
    }
  })
  for await (const told of incoming) {
    lsn = Math.max(lsn, told.lsn)
    yield told
  }
}

/** A change as a line, as of a time. */
export function lineOf(change: OperationChange | MissedChanges, now: number): Line {
  if ('operation' in change) return { lsn: change.lsn, job: jobOf(change.operation, now) }
  const { missedAfter: after, missedThrough: through } = change
  return { lsn: through, missed: { after, through } }
}

/** A line as a text. */
export function lineText({ job, missed }: Line): string | undefined {
  if (missed !== undefined) return `missed the changes ${missed.after + 1} to ${missed.through}`
  return job === undefined ? undefined : jobLine(job)
}
