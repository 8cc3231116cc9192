/** The jobs of a kit: what calls promise, and how the log of operations does it. */
import type { BorrowedParts, DetachedJob, RunContext } from '@ipfs-kit/operations'
import type { HandlerContext, Json, OperationHandler } from '@ipfs-kit/wal'
import { KitError } from './errors.ts'
import { JobCall, type JobInput, type LentWal } from './job-call.ts'
import { shortened } from './job-item.ts'
import { type JobKind, paramsOf } from './job-kind.ts'

/** The slice of the kit that entries with jobs use, lent under the name `jobs`. */
export interface Jobs {
  /** Makes the job of a call; its caller says when it begins. */
  of(job: JobInput, context: Pick<RunContext, 'signal' | 'progress'>): JobCall
  /** Promises a job that goes on without its caller. */
  detach(job: JobInput, context: Pick<RunContext, 'signal'>): Promise<DetachedJob>
}

/** What jobs need of the kit. */
export interface JobsOptions {
  readonly lendWal: () => Promise<LentWal>
  readonly lend: (names: readonly string[]) => BorrowedParts
}

/** Jobs, and the handlers that the log is opened with. */
export interface KitJobs extends Jobs {
  readonly handlerOf: (kind: JobKind) => OperationHandler
}

/** The backend under whose limit detached jobs stand. */
export const nodeBackend = 'node'

/** Makes the jobs of a kit. */
export function createJobs({ lendWal, lend }: JobsOptions): KitJobs {
  const callers = new Map<string, JobCall>()

  async function attempt(kind: JobKind, params: Params, context: HandlerContext): Promise<Json> {
    const { caller, ...input } = params
    const call = caller === undefined ? undefined : callers.get(caller)
    if (call !== undefined) return await call.attend(context)
    if (kind.entry.body !== 'none') {
      throw new KitError(
        'KIT_CALLER_GONE',
        `The files of ${kind.entry.name} were sent by a call that has ended: call it again with them`,
      )
    }
    return await alone(kind, input, context)
  }

  async function alone(kind: JobKind, input: Params, context: HandlerContext): Promise<Json> {
    const { entry, itemOf } = kind
    const { operation, checkpoint, save, progress, results } = context
    const borrowed = lend(entry.parts)
    try {
      const answer: unknown = entry.run(
        borrowed.parts,
        input,
        {
          signal: AbortSignal.any([context.signal, borrowed.signal]),
          progress,
          requestId: `job-${operation.id}`,
          resume: { checkpoint, save: (reached) => save(reached as Json) },
        },
        undefined,
      )
      if (entry.returns === 'value') return jsonOf(await answer)
      let result: Json = null
      for await (const line of answer as AsyncIterable<unknown>) {
        const item = itemOf?.(line)
        if (item === undefined) result = jsonOf(line)
        else results([shortened(item)])
      }
      return result
    } finally {
      borrowed.release()
    }
  }

  return {
    of: (job, context) => new JobCall({ ...job, context, lend: lendWal, callers }),
    async detach({ kind, input }, { signal }) {
      const { wal, release } = await lendWal()
      try {
        const { type } = kind
        const { operation } = await wal.append({ type, params: input, backend: nodeBackend }, { signal })
        return { job: operation.id }
      } finally {
        release()
      }
    },
    handlerOf: (kind) => ({
      params: paramsOf(kind),
      run: (params: Params, context) => attempt(kind, params, context),
      timeoutMs: longestMs,
      ...(kind.cids === undefined ? {} : { cids: kind.cids }),
      ...(kind.entry.body === 'none'
        ? {}
        : { onInterrupted: 'fail', maxAttempts: 1, isRetryable: () => false }),
    }),
  }
}

type Params = Readonly<Record<string, unknown>> & { readonly caller?: string }

/** As long as the log lets an attempt take: 30 days. */
export const longestMs = 2_592_000_000

/** A value as JSON has it, without what is undefined. */
export function jsonOf(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
