/** What tells whether two operations of one idempotency key ask for the same. */
import { createHash } from 'node:crypto'
import type { PromisedOperation } from './operation.ts'

/** SHA-256 of type, backend and parameters, in hexadecimal. The order of the names of an object does not count. */
export function digestOf({ type, backend = '', params }: PromisedOperation): string {
  return createHash('sha256')
    .update(JSON.stringify([type, backend, params], sorted))
    .digest('hex')
}

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
