/** What the ends of a transfer fail with, in the words of this package. */
import { throwIfCancelled } from '@ipfs-kit/concurrency'
import { isFault } from '@ipfs-kit/operations'
import type { ReadableEnd } from './end.ts'
import { TransferError, type TransferErrorCode } from './errors.ts'

const ofSource: Readonly<Record<string, TransferErrorCode>> = {
  STORAGE_CHANGED: 'TRANSFER_SOURCE_CHANGED',
  STORAGE_CORRUPT: 'TRANSFER_SOURCE_CORRUPT',
}
const ofTarget: Readonly<Record<string, TransferErrorCode>> = {
  STORAGE_EXISTS: 'TRANSFER_TARGET_CHANGED',
  STORAGE_CONFLICT: 'TRANSFER_TARGET_CHANGED',
  STORAGE_FULL: 'TRANSFER_TARGET_FULL',
}
/** With these no object of the end can be had. */
const ofPlace: ReadonlySet<unknown> = new Set(['STORAGE_CLOSED', 'STORAGE_NO_CONTAINER', 'STORAGE_LOCKED'])

/** The error for what reading the source threw. @throws the reason, if the running scope is cancelled */
export function sourceFailed(error: unknown, end: ReadableEnd, path: string | undefined): TransferError {
  return failed(error, ofSource, 'TRANSFER_SOURCE_FAILED', `${end.name} cannot be read`, path)
}

/** The same of the target. */
export function targetFailed(error: unknown, end: ReadableEnd, path: string | undefined): TransferError {
  return failed(error, ofTarget, 'TRANSFER_TARGET_FAILED', `${end.name} has failed`, path)
}

/** Whether an error is that of a place, so that what comes next would fail as well. */
export function isOfPlace({ cause }: TransferError): boolean {
  return ofPlace.has((cause as { readonly code?: unknown } | undefined)?.code)
}

function failed(
  error: unknown,
  codes: Readonly<Record<string, TransferErrorCode>>,
  otherwise: TransferErrorCode,
  what: string,
  path: string | undefined,
): TransferError {
  throwIfCancelled()
  // The body of a put fails with what was said of its source already.
  if (error instanceof TransferError) return error
  const at = path === undefined || path === '' ? '' : ` at ${JSON.stringify(path)}`
  const said = error instanceof Error ? error.message : String(error)
  const known = isFault(error) ? codes[error.code] : undefined
  const message = `${what}${at}: ${said}`
  if (known !== undefined) return new TransferError(known, message, { cause: error })
  return new TransferError(otherwise, message, {
    cause: error,
    ...(isFault(error) && { kind: error.kind }),
  })
}
