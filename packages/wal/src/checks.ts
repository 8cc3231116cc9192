/** Checks of what callers pass, before anything is done. */
import { WalError } from './errors.ts'
import type { CallOptions } from './log/log.ts'

/** @throws TypeError unless they are options of a call that waits. */
export function checkCallOptions(options: CallOptions | undefined): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) throw new TypeError('Options are an object')
  for (const key of Object.keys(options)) {
    if (key !== 'signal') throw new TypeError(`There is no option ${JSON.stringify(key)} here`)
  }
  const { signal } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('signal is an AbortSignal')
  }
  signal?.throwIfAborted()
}

/** @throws RangeError unless it is an LSN. */
export function checkLsn(lsn: number, name: string): void {
  if (Number.isSafeInteger(lsn) && lsn >= 1) return
  throw new RangeError(`${name} is a whole number from 1 up, not ${String(lsn)}`)
}

/** The bytes of all of them. @throws TypeError; WalError WAL_TOO_LARGE */
export function checkPayloads(payloads: readonly Uint8Array[], maxRecordBytes: number): number {
  let bytes = 0
  for (const payload of payloads) {
    if (!(payload instanceof Uint8Array)) throw new TypeError('A payload is a Uint8Array')
    if (payload.length > maxRecordBytes) {
      throw new WalError(
        'WAL_TOO_LARGE',
        `A record of ${payload.length} bytes is larger than maxRecordBytes, ${maxRecordBytes}`,
      )
    }
    bytes += payload.length
  }
  return bytes
}
