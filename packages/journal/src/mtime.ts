/** Times as people give them, and as they are compared. */
import type { UnixfsMetadata } from '@ipfs-kit/ipfs/unixfs'

/** The time that seconds since 1970 mean: to the microsecond, which is as fine as their fractions are. */
export function mtimeOf(seconds: number): NonNullable<UnixfsMetadata['mtime']> {
  const whole = Math.floor(seconds)
  const nsecs = Math.min(Math.round((seconds - whole) * 1e6), 999_999) * 1000
  return { secs: BigInt(whole), ...(nsecs > 0 && { nsecs }) }
}

/** Whether two times are the same; without nanoseconds it is that of the whole second. */
export function isSameMtime(left: UnixfsMetadata['mtime'], right: UnixfsMetadata['mtime']): boolean {
  if (left === undefined || right === undefined) return left === right
  return left.secs === right.secs && (left.nsecs ?? 0) === (right.nsecs ?? 0)
}
