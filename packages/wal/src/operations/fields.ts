/** Input and output fields that several operations share. */
import { z } from 'zod'
import { WalError } from '../errors.ts'
import type { OperationState } from '../store/operation.ts'
import type { OperationFilter } from '../store/operation-index.ts'

/** A number of things. */
export const count = z.int().min(0)

/** A moment, as the log has it. */
export const at = z.number().describe('Milliseconds since 1970')

/** A moment that a caller names. The log has none before 1970. */
export const moment = z.iso
  .datetime({ offset: true })
  .refine((text) => !(Date.parse(text) < 0), 'it is 1970 or later')

/** An operation, by the LSN of the record that promised it. */
export const operationId = z.int().min(1).describe('id of the operation')

const states = ['queued', 'running', 'retrying', 'completed', 'failed', 'cancelled'] as const

/** The states of an operation. */
export const state = z
  .enum(states)
  .describe('failed: it is not tried again by itself; retrying: another attempt follows when it is due')

/** Why something failed. */
export const failure = z.object({ code: z.string(), message: z.string() })

const finishedStates = ['completed', 'failed', 'cancelled'] as const

/** Input keys that restrict which operations are meant. */
export const filterFields = {
  state: z
    .enum([...states, 'unfinished', 'finished'])
    .optional()
    .describe('state, or several: unfinished, finished'),
  type: z.string().min(1).max(200).optional().describe('type of the operation'),
  backend: z.string().max(200).optional().describe('backend; an empty name for those without one'),
  createdAfter: moment.optional().describe('promised after this time'),
  createdBefore: moment.optional().describe('promised before this time'),
}

/** Input keys that restrict which finished operations are meant. */
export const finishedFields = {
  state: z
    .enum([...finishedStates, 'finished'])
    .default('finished')
    .describe('how they ended'),
  type: filterFields.type,
  backend: filterFields.backend,
  createdAfter: filterFields.createdAfter,
  createdBefore: filterFields.createdBefore,
  finishedBefore: moment.optional().describe('ended before this time'),
}

const filterSchema = z.object(filterFields)
const finishedSchema = z.object(finishedFields)

/** The filter that an input with {@link filterFields} or {@link finishedFields} means. */
export function filterOf(
  input: z.output<typeof filterSchema> | z.output<typeof finishedSchema>,
): OperationFilter & { readonly finishedBefore?: number } {
  const { type, backend, createdAfter, createdBefore } = input
  const finishedBefore = 'finishedBefore' in input ? input.finishedBefore : undefined
  return {
    ...(input.state !== undefined && { states: statesOf(input.state) }),
    ...(type !== undefined && { types: [type] }),
    ...(backend !== undefined && { backends: [backend] }),
    ...(createdAfter !== undefined && { createdAfter: Date.parse(createdAfter) }),
    ...(createdBefore !== undefined && { createdBefore: Date.parse(createdBefore) }),
    ...(finishedBefore !== undefined && { finishedBefore: Date.parse(finishedBefore) }),
  }
}

function statesOf(name: OperationState | 'unfinished' | 'finished'): readonly OperationState[] {
  if (name === 'finished') return finishedStates
  if (name === 'unfinished') return ['queued', 'running', 'retrying']
  return [name]
}

/** What a call gets that names an operation that is not there. */
export function notFound(id: number): WalError {
  return new WalError('WAL_NOT_FOUND', `There is no operation ${id}; retention may have taken it`)
}
