/** Entries whose work is a job: listed, shown, cancelled by others, and with `detach` going on without the caller. */
import {
  type AnyOperation,
  type DetachedJob,
  type FileEntry,
  operation,
  type Operation,
  type RunContext,
} from '@ipfs-kit/operations'
import type { OperationTypeName } from '@ipfs-kit/wal'
import { z } from 'zod'
import type { JobCall } from './job-call.ts'
import type { JobKind } from './job-kind.ts'
import { jsonOf, type Jobs } from './jobs.ts'

/** What is said of an entry that becomes a job. */
export interface JobOptions<Parts, Input, Output> {
  readonly type: OperationTypeName
  /** What a line says of one item; `undefined` if it is the result. */
  readonly itemOf?: (line: Output) => ReturnType<NonNullable<JobKind['itemOf']>>
  /** The roots that its work needs, whoever promises it. Default: none. */
  readonly cids?: (input: Input) => readonly string[]
  /** The input that a call promises for the one that it was given. Default: the same. */
  readonly prepare?: (parts: Parts, input: Input, signal: AbortSignal) => Promise<Input>
}

/** An entry with jobs, and how an attempt without a caller does its work. */
export interface EntryOfJobs<Entry> {
  readonly entry: Entry
  readonly kind: JobKind
}

const detach = z.boolean().default(false).describe('answer with the job at once, and let it go on by itself')
const detachedJob = z.strictObject({ job: z.int().describe('Job that does it; see jobs show') })

type Detachable<Input extends z.ZodObject> = z.ZodObject<Input['shape'] & { readonly detach: typeof detach }>
type WithJobs<Parts> = Parts & { readonly jobs: Jobs }

/**
 * The entry with its work as a job. It keeps name, output, doors and command; the caller waits as before, and cancels the job by
 * leaving. The input `detach` answers with the job at once.
 */
export function asJob<
  Name extends string,
  Parts,
  Input extends z.ZodObject,
  Output extends z.ZodType,
  Returns extends 'value' | 'lines',
>(
  entry: Operation<Name, Parts, Input, Output, 'none', Returns>,
  options: JobOptions<Parts, z.output<Input>, z.output<Output>>,
): EntryOfJobs<
  Operation<
    Name,
    WithJobs<Parts>,
    Detachable<Input>,
    z.ZodUnion<[Output, typeof detachedJob]>,
    'none',
    Returns
  >
> {
  const { prepare = async (_parts: Parts, input: z.output<Input>) => input } = options
  const kind = kindOf(entry, options)

  async function promised(parts: WithJobs<Parts>, given: z.output<Input>, { signal }: RunContext) {
    const { detach: isDetached, ...rest } = given as { detach: boolean }
    const input = await prepare(parts, rest as z.output<Input>, signal)
    return { isDetached, input, job: { kind, input: input as Readonly<Record<string, unknown>> } }
  }

  async function value(
    parts: WithJobs<Parts>,
    given: z.output<Input>,
    context: RunContext,
  ): Promise<unknown> {
    const { isDetached, input, job } = await promised(parts, given, context)
    if (isDetached) return parts.jobs.detach(job, context)
    const call = parts.jobs.of(job, context)
    return valueOf(
      call,
      () => kind.entry.run(parts, input, innerOf(context, call), undefined) as Promise<unknown>,
    )
  }

  async function* lines(parts: WithJobs<Parts>, given: z.output<Input>, context: RunContext) {
    const { isDetached, input, job } = await promised(parts, given, context)
    if (isDetached) {
      yield await parts.jobs.detach(job, context)
      return
    }
    const call = parts.jobs.of(job, context)
    const work = (): AsyncIterable<unknown> =>
      kind.entry.run(parts, input, innerOf(context, call), undefined) as AsyncIterable<unknown>
    yield* linesOf(call, kind, () => call.begin(), work)
  }

  const made = operation<WithJobs<Parts>>()({
    ...entry,
    parts: [...entry.parts, 'jobs'],
    input: entry.input.extend({ detach }),
    output: z.union([entry.output, detachedJob]),
    text: (answer: unknown) =>
      isDetachedJob(answer)
        ? `job  ${answer.job}`
        : (entry.text ?? JSON.stringify)(answer as z.output<Output>),
    run: entry.returns === 'value' ? value : lines,
  } as never)
  return { entry: made as never, kind }
}

/**
 * An entry that takes files, with its work as a job as soon as there is more than one file, or a folder. A single file is added
 * without a job: that takes no record, and no sync more than its own.
 */
export function asJobOfFiles<Name extends string, Parts, Input extends z.ZodObject, Output extends z.ZodType>(
  entry: Operation<Name, Parts, Input, Output, 'files', 'lines'>,
  options: Omit<JobOptions<Parts, z.output<Input>, z.output<Output>>, 'prepare'>,
): EntryOfJobs<Operation<Name, WithJobs<Parts>, Input, Output, 'files', 'lines'>> {
  const kind = kindOf(entry, options)
  const made = {
    ...entry,
    parts: [...entry.parts, 'jobs'],
    async *run(
      parts: WithJobs<Parts>,
      input: z.output<Input>,
      context: RunContext,
      body: AsyncIterable<FileEntry>,
    ) {
      const call = parts.jobs.of({ kind, input: input as Readonly<Record<string, unknown>> }, context)
      const work = (): AsyncIterable<z.output<Output>> =>
        entry.run(parts, input, innerOf(context, call), beginningAtSecond(body, call))
      yield* linesOf(call, kind, async () => {}, work)
    },
  }
  return { entry: made as never, kind }
}

/** The files, whose job begins before the second one, or a folder, is handed on. */
async function* beginningAtSecond(body: AsyncIterable<FileEntry>, call: JobCall): AsyncGenerator<FileEntry> {
  let isFirst = true
  let isJob = false
  for await (const file of body) {
    const isInFolder = file.path.includes('/') || (file.content === undefined && file.failed === undefined)
    if (!isJob && (!isFirst || isInFolder)) {
      isJob = true
      await call.begin()
    }
    isFirst = false
    yield file
  }
}

async function valueOf(call: JobCall, work: () => Promise<unknown>): Promise<unknown> {
  try {
    await call.begin()
    const value = await work()
    await call.completed(jsonOf(value))
    return value
  } catch (error) {
    throw await call.failed(error)
  }
}

async function* linesOf<Line>(
  call: JobCall,
  { itemOf }: JobKind,
  begin: () => Promise<void>,
  work: () => AsyncIterable<Line>,
): AsyncGenerator<Line, void, undefined> {
  let result: Line | undefined
  let isOver = false
  try {
    await begin()
    for await (const line of work()) {
      const item = itemOf?.(line)
      if (item === undefined) {
        result = line
        continue
      }
      call.item(item)
      yield line
    }
    await call.completed(jsonOf(result ?? null))
    isOver = true
  } catch (error) {
    isOver = true
    throw await call.failed(error)
  } finally {
    if (!isOver) await call.left()
  }
  // Not before the log has it: who reads the last line knows that the job has completed.
  if (result !== undefined) yield result
}

function innerOf(context: RunContext, call: JobCall): RunContext {
  return { ...context, signal: call.signal, progress: call.progress }
}

function kindOf(
  entry: AnyOperation,
  { type, itemOf, cids }: Pick<JobOptions<unknown, any, any>, 'type' | 'itemOf' | 'cids'>,
): JobKind {
  return { type, entry, ...(itemOf === undefined ? {} : { itemOf }), ...(cids === undefined ? {} : { cids }) }
}

function isDetachedJob(answer: unknown): answer is DetachedJob {
  return typeof answer === 'object' && answer !== null && 'job' in answer
}
