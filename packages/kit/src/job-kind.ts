/** What is to be known of an entry whose work can be a job. */
import type { AnyOperation } from '@ipfs-kit/operations'
import type { ItemResult, OperationTypeName } from '@ipfs-kit/wal'
import { z } from 'zod'

/** An entry as it is without jobs, and what the log of operations has to know of its work. */
export interface JobKind {
  readonly type: OperationTypeName
  /** What a call does, and what an attempt does that has no caller. */
  readonly entry: AnyOperation
  /** What a line says of one item; `undefined` if it is the result. */
  readonly itemOf?: (line: any) => ItemResult | undefined
  /** The roots that its work needs, of an input: neither collected nor evicted as long as the job is unfinished. Default: none. */
  readonly cids?: (input: any) => readonly string[]
}

/**
 * The input of an entry, and under `caller` the call that waits for the job, in the process that has promised it: whose files come with
 * the call is promised by nobody else.
 */
export function paramsOf({ entry }: JobKind): z.ZodObject {
  const caller = z.string(`the files come with a call of ${entry.name}: call that`)
  return (entry.input as z.ZodObject)
    .strict()
    .extend({ caller: entry.body === 'none' ? caller.optional() : caller })
}
