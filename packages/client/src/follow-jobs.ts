/** Follows the jobs of a server over as many connections as it takes. */
import { moveOnAfter, random, sleep, suspend } from '@ipfs-kit/concurrency'
import type { KitTable } from '@ipfs-kit/kit'
import type { InputOf, ResultOf } from '@ipfs-kit/operations'
import type { Client } from './client.ts'
import { ClientError, clientError } from './errors.ts'

type Line = ResultOf<KitTable['jobs.follow']> extends AsyncIterable<infer One> ? One : never

/** Which jobs: those of a filter, or one; and the LSN of the first change to tell. */
export type FollowedJobs = InputOf<KitTable['jobs.follow']>

/** A job that has changed, or changes that were not told: who follows was too slow, or the log has let them go. */
export type JobChange =
  | { readonly lsn: number; readonly job: NonNullable<Line['job']> }
  | { readonly lsn: number; readonly missed: NonNullable<Line['missed']> }

/** How {@link followJobs} goes on when a connection is lost. */
export interface FollowOptions {
  readonly signal?: AbortSignal
  /** The longest wait before the first new connection, in milliseconds; it doubles with each that fails. Default 250. */
  readonly retryBaseMs?: number
  /** The longest wait before any of them. Default 30,000. */
  readonly retryMaxMs?: number
  /** New connections that may fail one after the other until the last failure is thrown. Default 20. */
  readonly retries?: number
  /** How long nothing may come until a connection is taken for lost, in milliseconds; a server tells something every 30,000. Default 90,000. */
  readonly quietMs?: number
}

const defaults = { retryBaseMs: 250, retryMaxMs: 30_000, retries: 20, quietMs: 90_000 }

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
  const { signal, retryBaseMs, retryMaxMs, retries, quietMs } = checked(options)
  let lsn = jobs.from === undefined ? undefined : jobs.from - 1
  let isConnected = false
  for (let failures = 0; ;) {
    const isAgain = isConnected
    let isFirst = true
    try {
      const asked = lsn === undefined ? jobs : { ...jobs, from: lsn + 1 }
      for await (const line of linesOf(client, asked, { signal, quietMs })) {
        failures = 0
        isConnected = true
        // Of one job the server tells the state at first, which may be known.
        const isKnown = isAgain && isFirst && jobs.id !== undefined && lsn !== undefined && line.lsn <= lsn
        isFirst = false
        lsn = Math.max(lsn ?? 0, line.lsn)
        if (line.missed !== undefined) yield { lsn: line.lsn, missed: line.missed }
        if (line.job === undefined) continue
        if (!isKnown) yield { lsn: line.lsn, job: line.job }
        if (jobs.id !== undefined && line.job.finishedAt !== undefined) return
      }
    } catch (error) {
      if (!isConnected || !isPassing(error) || failures >= retries) throw error
    }
    failures += 1
    const longestMs = Math.min(retryMaxMs, retryBaseMs * 2 ** (failures - 1))
    await sleep(random() * longestMs, { ...(signal && { signal }) })
  }
}

/** The lines of one connection. */
async function* linesOf(
  client: Pick<Client, 'call'>,
  jobs: FollowedJobs,
  waiting: { readonly signal: AbortSignal | undefined; readonly quietMs: number },
): AsyncGenerator<Line, void, undefined> {
  const connection = new AbortController()
  const within = <T>(work: () => Promise<T>): Promise<T> => orLost(work, connection, waiting)
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

/** What comes over a connection, which is cut when nothing comes for too long. @throws ClientError; the reason of the signal */
async function orLost<T>(
  work: () => Promise<T>,
  connection: AbortController,
  { signal, quietMs }: { readonly signal: AbortSignal | undefined; readonly quietMs: number },
): Promise<T> {
  const come = await moveOnAfter(quietMs, async () => {
    const value = await suspend<T>(
      ({ resolve, reject }) => {
        // waits: until the server sends something, or the connection is cut.
        work().then(resolve, reject)
        return () => {
          connection.abort()
          return 'settles-later'
        }
      },
      { what: 'jobs of a server', ...(signal && { signal }) },
    )
    return { value }
  })
  if (come !== undefined) return come.value
  throw clientError('CLIENT_DISCONNECTED', `Nothing has come from the server for ${quietMs} ms`)
}

/** Whether another connection may do better: none was there, it was lost, or the server was closing or opening. */
function isPassing(error: unknown): boolean {
  return error instanceof ClientError && (error.kind === 'temporary' || error.kind === 'cancelled')
}

/** @throws TypeError, RangeError */
function checked(options: FollowOptions) {
  const { signal, ...numbers } = options
  for (const [name, value] of Object.entries(numbers)) {
    if (!Object.hasOwn(defaults, name)) {
      throw new TypeError(
        `Unknown option ${name}: followJobs knows signal, ${Object.keys(defaults).join(', ')}`,
      )
    }
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0 && value <= 86_400_000)) continue
    throw new RangeError(`${name} is a whole number from 0 to 86400000, not ${value}`)
  }
  const given = Object.entries(numbers).filter(([, value]) => value !== undefined)
  return { signal, ...defaults, ...(Object.fromEntries(given) as Partial<typeof defaults>) }
}
