/** Checks of what finds operations. */
import { checkLsn } from './checks.ts'
import { checkKeys, checkList, checkText, checkTime } from './option-checks.ts'
import type { OperationFilter } from './store/operation-index.ts'

const states = ['queued', 'running', 'retrying', 'completed', 'failed', 'cancelled']

/** @throws RangeError unless it can be the id of an operation, which is an LSN. */
export function checkId(id: number): void {
  checkLsn(id, 'An id')
}

/** @throws TypeError, RangeError */
export function checkFilter(filter: OperationFilter): void {
  checkKeys(filter, ['states', 'types', 'backends', 'createdAfter', 'createdBefore', 'paused'], 'A filter')
  checkList(filter.states, 'states', 100)
  for (const state of filter.states ?? []) {
    if (!states.includes(state))
      throw new TypeError(`There is no state ${String(state)}; there are ${states.join(', ')}`)
  }
  checkList(filter.types, 'types', 100)
  for (const type of filter.types ?? []) checkText(type, 'A type', 200)
  checkList(filter.backends, 'backends', 100)
  // The empty name stands for operations without a backend.
  for (const backend of filter.backends ?? []) if (backend !== '') checkText(backend, 'A backend', 200)
  checkTime(filter.createdAfter, 'createdAfter')
  checkTime(filter.createdBefore, 'createdBefore')
  if (filter.paused !== undefined && typeof filter.paused !== 'boolean')
    throw new TypeError('paused is a boolean')
}
