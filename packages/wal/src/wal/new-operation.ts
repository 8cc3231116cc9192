/** Checks an operation as it is asked for, and makes the record of it. */
import { checkLsn } from '../checks.ts'
import { WalError } from '../errors.ts'
import { checkJson } from '../json.ts'
import { checkKeys, checkList, checkText, checkTime, wholeNumber } from '../option-checks.ts'
import { problemsIn } from '../schema-problems.ts'
import type { Json } from '../store/operation.ts'
import type { WalRecord } from '../store/record.ts'
import { cidsOf } from './retained-cids.ts'
import type { NewOperation, OperationHandler, OperationTypes } from './wal.ts'

/** The record that promises an operation. */
export type AddRecord = Extract<WalRecord, { readonly kind: 'add' }>

/** An operation that was checked; its keys and dependencies were not looked up. */
export interface Admitted {
  readonly record: AddRecord
  /** Positions in the batch, all of them earlier. */
  readonly afterInBatch: readonly number[]
}

/** What new operations are checked against. */
export interface Admission {
  readonly types: OperationTypes
  readonly maxParamsBytes: number
  readonly clock: () => number
}

const known = [
  'type',
  'params',
  'backend',
  'priority',
  'notBefore',
  'after',
  'afterInBatch',
  'key',
  'timeoutMs',
  'expiresAt',
  'maxAttempts',
  'cids',
]
const types = [
  'add',
  'get',
  'pin',
  'unpin',
  'rm',
  'cat',
  'list',
  'mkdir',
  'copy',
  'move',
  'upload',
  'download',
]
/** Operations of a batch at most. */
const maxBatch = 10_000
/** Milliseconds that an attempt may take, if nobody says anything: an hour. */
const defaultTimeoutMs = 3_600_000
/** And at most: 30 days. */
export const maxTimeoutMs = 2_592_000_000

/**
 * Operations that are asked for together, as records.
 *
 * @throws TypeError, RangeError; WalError WAL_TYPE_UNKNOWN, WAL_PARAMS_INVALID, WAL_CID_INVALID; what `cids` of a handler throws
 */
export function admit(operations: readonly NewOperation[], admission: Admission): Admitted[] {
  checkList(operations, 'The operations of a batch', maxBatch)
  return operations.map((operation, at) => admitOne(operation, at, admission))
}

/** The operation at a place of its batch, as a record. @throws as {@link admit} */
export function admitOne(operation: NewOperation, at: number, admission: Admission): Admitted {
  checkKeys(operation, known, 'An operation')
  const { type, params, backend, notBefore, after = [], afterInBatch = [], key, expiresAt } = operation
  const handler = Object.hasOwn(admission.types, type) ? admission.types[type] : undefined
  if (handler === undefined) {
    const registered = Object.keys(admission.types).join(', ') || 'none'
    throw new WalError(
      'WAL_TYPE_UNKNOWN',
      `There is no handler for the type ${String(type)}; there are: ${registered}`,
    )
  }
  checkText(backend, 'backend', 200)
  checkText(key, 'key', 200)
  checkTime(notBefore, 'notBefore')
  checkTime(expiresAt, 'expiresAt')
  checkList(after, 'after', 1000)
  for (const id of after) checkLsn(id, 'An id in after')
  checkList(afterInBatch, 'afterInBatch', 1000)
  // Only what comes earlier in the batch: so no circle of dependencies can be asked for.
  for (const place of afterInBatch) wholeNumber(place, 'A place in afterInBatch', 0, at - 1, 0)
  const { json, read } = checkParams(params, handler, admission.maxParamsBytes)
  const record: AddRecord = {
    kind: 'add',
    type,
    params: json,
    priority: wholeNumber(operation.priority, 'priority', 0, 9, 5),
    after: [...new Set(after)],
    timeoutMs: wholeNumber(
      operation.timeoutMs,
      'timeoutMs',
      1,
      maxTimeoutMs,
      handler.timeoutMs ?? defaultTimeoutMs,
    ),
    maxAttempts: wholeNumber(operation.maxAttempts, 'maxAttempts', 1, 100, handler.maxAttempts ?? 5),
    onInterrupted: handler.onInterrupted ?? 'retry',
    cids: cidsOf(handler, read, operation.cids),
    createdAt: admission.clock(),
    ...(backend !== undefined && { backend }),
    ...(key !== undefined && { key }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(notBefore !== undefined && { notBefore }),
  }
  return { record, afterInBatch }
}

/** @throws TypeError unless a handler is one. */
export function checkHandler(type: string, handler: OperationHandler): void {
  if (!types.includes(type) && !/^custom:.{1,100}$/.test(type)) {
    throw new TypeError(`There is no type ${JSON.stringify(type)}; own ones begin with custom:`)
  }
  const what = `The handler of ${type}`
  checkKeys(
    handler,
    ['params', 'result', 'run', 'cids', 'maxAttempts', 'timeoutMs', 'onInterrupted', 'isRetryable'],
    what,
  )
  if (typeof handler.run !== 'function') throw new TypeError(`${what} has a function run`)
  if (typeof handler.params?.safeParse !== 'function')
    throw new TypeError(`${what} has params, a schema of zod`)
  if (handler.result !== undefined && typeof handler.result.safeParse !== 'function') {
    throw new TypeError(`${what} has as result a schema of zod`)
  }
  for (const name of ['cids', 'isRetryable'] as const) {
    if (handler[name] !== undefined && typeof handler[name] !== 'function')
      throw new TypeError(`${what} has as ${name} a function`)
  }
  if (!['retry', 'fail', undefined].includes(handler.onInterrupted)) {
    throw new TypeError(`${what} has as onInterrupted retry or fail`)
  }
  wholeNumber(handler.maxAttempts, 'maxAttempts', 1, 100, 5)
  wholeNumber(handler.timeoutMs, 'timeoutMs', 1, maxTimeoutMs, defaultTimeoutMs)
}

/** They are kept as they were passed (`json`); its schema, which makes `read` of them, is asked here, and again before each attempt. */
function checkParams(
  params: unknown,
  handler: OperationHandler,
  maxBytes: number,
): { readonly json: { readonly [key: string]: Json }; readonly read: unknown } {
  const checked = handler.params.safeParse(params)
  if (!checked.success) {
    throw new WalError('WAL_PARAMS_INVALID', `The parameters do not fit: ${problemsIn(checked.error)}`, {
      cause: checked.error,
    })
  }
  const json = checkJson(params, 'The parameters', maxBytes)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new WalError('WAL_PARAMS_INVALID', 'The parameters are no object')
  }
  return { json: json as { readonly [key: string]: Json }, read: checked.data }
}
