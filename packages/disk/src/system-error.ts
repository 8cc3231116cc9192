/** What the system's codes mean here. */
import { shown } from './checks.ts'
import { DiskError } from './errors.ts'
import type { DiskErrorCode } from './errors.ts'

const meanings: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: 'DISK_NOT_FOUND',
  ENOTDIR: 'DISK_NOT_FOUND',
  EEXIST: 'DISK_EXISTS',
  ENOTEMPTY: 'DISK_EXISTS',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EFBIG: 'DISK_FULL',
  EACCES: 'DISK_DENIED',
  EPERM: 'DISK_DENIED',
  EROFS: 'DISK_DENIED',
  EIO: 'DISK_IO',
}

/** The code of a system's error, such as `ENOENT`; `undefined` if it is none. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** The error for a call that the system refused. `doing` completes "Cannot …". */
export function refused(doing: string, path: string, cause: unknown): DiskError {
  if (cause instanceof DiskError) return cause
  return refusedWith(systemCodeOf(cause) ?? 'EUNKNOWN', doing, path, { cause })
}

/** The same from a code alone, for disks without a system. */
export function refusedWith(
  systemCode: string,
  doing: string,
  path: string,
  options?: ErrorOptions,
): DiskError {
  const code = Object.hasOwn(meanings, systemCode) ? meanings[systemCode]! : 'DISK_FAILED'
  return new DiskError(code, `Cannot ${doing} ${shown(path)} (${systemCode})`, { ...options, systemCode })
}

/** The error for whatever is used after its end. */
export function closedError(path: string): DiskError {
  return new DiskError('DISK_CLOSED', `${shown(path)} is used after it was closed`)
}
