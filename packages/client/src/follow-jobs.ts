/** Follows the jobs of a server over as many connections as it takes. */
import type { KitTable } from '@ipfs-kit/kit'
import type { InputOf, ResultOf } from '@ipfs-kit/operations'
import type { Client } from './client.ts'
import {
  checkFollowOptions,
  type FollowOptions,
  orLost,
  overConnections,
  type Waiting,
} from './over-connections.ts'

type Line = ResultOf<KitTable['jobs.follow']> extends AsyncIterable<infer One> ? One : never

/** Which jobs: those of a filter, or one; and the LSN of the first change to tell. */
export type FollowedJobs = InputOf<KitTable['jobs.follow']>

/** A job that has changed, or changes that were not told: who follows was too slow, or the log has let them go. */
export type JobChange =
  | { readonly lsn: number; readonly job: NonNullable<Line['job']> }
  | { readonly lsn: number; readonly missed: NonNullable<Line['missed']> }

/**
 * Jobs as they change, from an LSN on or from now; of one job its state, and then until it has ended. A connection that is lost is
 * made again, and what has changed meanwhile is told: each job in its latest state, nothing twice and nothing left out but what is
 * told as missed. It begins with the first `next()`.
 *
 * @throws TypeError, RangeError for options; ClientError if the first connection cannot be made, if `retries` fail, and for what
 *   another connection does not change; the reason of the signal
 */
export async function* followJobs(
  client: Pick<Client, 'call'>,
  jobs: FollowedJobs = {},
  options: FollowOptions = {},
): AsyncGenerator<JobChange, void, undefined> {
  const checked = checkFollowOptions(options, 'followJobs')
  let lsn = jobs.from === undefined ? undefined : jobs.from - 1
  async function* connect(isAgain: boolean): AsyncGenerator<Line, void, undefined> {
    let isFirst = true
    for await (const line of linesOf(
      client,
      lsn === undefined ? jobs : { ...jobs, from: lsn + 1 },
      checked,
    )) {
      // Of one job the server tells the state at first, which may be known.
      const isKnown = isAgain && isFirst && jobs.id !== undefined && lsn !== undefined && line.lsn <= lsn
      isFirst = false
      // What was known may have been of another log, which had more.
      lsn = line.missed === undefined ? Math.max(lsn ?? 0, line.lsn) : line.lsn
      yield isKnown ? { lsn: line.lsn } : line
    }
  }
  for await (const { lsn: at, missed, job } of overConnections(connect, checked)) {
    if (missed !== undefined) yield { lsn: at, missed }
    if (job === undefined) continue
    yield { lsn: at, job }
    if (jobs.id !== undefined && job.finishedAt !== undefined) return
  }
}

/** The lines of one connection. */
async function* linesOf(
  client: Pick<Client, 'call'>,
  jobs: FollowedJobs,
  waiting: Waiting,
): AsyncGenerator<Line, void, undefined> {
  const connection = new AbortController()
  const within = <T>(work: () => Promise<T>): Promise<T> => orLost(work, () => connection.abort(), waiting)
  const answer = await within(() => client.call('jobs.follow', jobs, { signal: connection.signal }))
  const lines = answer[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await within(() => lines.next())
      if (step.done === true) return
      yield step.value
    }
  } finally {
    await lines.return?.()
  }
}
