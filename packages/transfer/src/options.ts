/** Options of transfers. */
import type { ItemOutcome } from './outcome.ts'
import type { PathChoice } from './path-filter.ts'
import type { Comparison } from './plan.ts'
import type { Verification } from './send-item.ts'
import type { TransferProgress } from './tally.ts'

/** Options of what reads both sides. */
export interface ReadOptions extends PathChoice {
  /** Objects at once, 1 to 64. Each holds two pieces of its body in memory, and what its ends hold. Default 4. */
  readonly concurrency?: number
  /** Bytes in a second, of all objects together: those that are sent, hashed and read back. Default: as fast as it goes. */
  readonly bytesPerSecond?: number
  /** Objects that may fail before it ends with `TRANSFER_TOO_MANY_FAILURES`. 0 to 1,000,000. Default 1,000. */
  readonly maxFailures?: number
  /** Told what became of each object, in the order in which they end. It must not throw. */
  readonly onItem?: (outcome: ItemOutcome) => void
  /** Told how far it is. It must not throw. */
  readonly onProgress?: (progress: TransferProgress) => void
  /** Cancels it: it rejects with the reason, and what is half-written is gone. */
  readonly signal?: AbortSignal
}

/** Options of {@link copy} and {@link sync}. */
export interface CopyOptions extends ReadOptions {
  /** How it is found out what the target has already. Default `digest`. */
  readonly compare?: Comparison
  /** Default `written`. */
  readonly verify?: Verification
}

/** Options of {@link sync}. */
export interface SyncOptions extends CopyOptions {
  /**
   * What becomes of objects that only the target has: `keep`, the default, or `delete`, once all else has been sent and nothing
   * has failed. What the filter leaves out stays.
   */
  readonly extras?: 'keep' | 'delete'
}

/** Options of {@link move}. What the target has already is proven by digests: nothing else is a reason to delete. */
export type MoveOptions = Omit<CopyOptions, 'compare'>

const readNames = [
  'include',
  'exclude',
  'concurrency',
  'bytesPerSecond',
  'maxFailures',
  'onItem',
  'onProgress',
  'signal',
]

/** What reading both sides needs, checked. @throws TypeError, RangeError */
export function checkRead(options: ReadOptions, own: readonly string[], what: string) {
  const known = [...readNames, ...own]
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new TypeError(`${what} has no option ${JSON.stringify(unknown)}; it has ${known.join(', ')}`)
  }
  const {
    concurrency = 4,
    bytesPerSecond,
    maxFailures = 1000,
    onItem = () => {},
    onProgress = () => {},
  } = options
  whole('concurrency', concurrency, 1, 64)
  whole('maxFailures', maxFailures, 0, 1_000_000)
  if (bytesPerSecond !== undefined) whole('bytesPerSecond', bytesPerSecond, 1, Number.MAX_SAFE_INTEGER)
  for (const [name, value] of Object.entries({ onItem, onProgress })) {
    if (typeof value !== 'function') throw new TypeError(`${name} is a function`)
  }
  return { concurrency, bytesPerSecond, maxFailures, onItem, onProgress }
}

/** What sending needs besides, checked. @throws TypeError */
export function checkSend({ compare = 'digest', verify = 'written' }: CopyOptions) {
  oneOf('compare', compare, ['digest', 'time', 'size'])
  oneOf('verify', verify, ['written', 'read'])
  return { comparison: compare, verification: verify }
}

/** @throws TypeError */
export function oneOf(name: string, value: string, known: readonly string[]): void {
  if (!known.includes(value)) {
    throw new TypeError(`${name} is ${known.join(' or ')}, not ${JSON.stringify(value)}`)
  }
}

function whole(name: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${String(value)}`)
  }
}
