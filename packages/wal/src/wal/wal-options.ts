/** What a log of operations is opened with. */
import type { BackendOptions } from '../executor/breaker.ts'
import { checkHandler } from './new-operation.ts'
import { checkKeys, checkText, wholeNumber } from '../option-checks.ts'
import { checkStoreOptions, type OperationStoreOptions, storeOptionNames } from '../store/store-options.ts'
import type { OperationTypes, Wal } from './wal.ts'

/** Options of {@link openWal}. */
export interface WalOptions extends OperationStoreOptions {
  /** How each type of operation is done. What has no handler here is refused at append. */
  readonly types: OperationTypes
  /** What is known of backends. Those that are not named have the defaults. */
  readonly backends?: { readonly [name: string]: BackendOptions }
  /** `off`: nothing is begun, as for a tool that looks at the log. Default `on`. */
  readonly executor?: 'on' | 'off'
  /** Attempts at once, in all. 1 to 10,000. Default 64. */
  readonly concurrency?: number
  /** Attempts at once of one backend, and of what has none. 1 to 10,000. Default 16. */
  readonly laneLimit?: number
  /** Pending operations of a backend that are in memory. 16 to 100,000. Default 1,000. */
  readonly windowSize?: number
  /** Unfinished operations, beyond which appends are refused. Default 1,000,000. */
  readonly maxUnfinished?: number
  /** Bytes of parameters, and of a checkpoint, as JSON. Default 65,536. */
  readonly maxParamsBytes?: number
  /** Bytes of a result as JSON. Default 65,536. */
  readonly maxResultBytes?: number
  /** The longest wait after a first failure, in milliseconds; it doubles with each one. Default 1,000. */
  readonly retryBaseMs?: number
  /** The longest wait before a retry, in milliseconds. Default 300,000. */
  readonly retryMaxMs?: number
  /** Milliseconds between two writes of an attempt's progress. Default 1,000. */
  readonly progressMs?: number
  /** Milliseconds for attempts to end when the log is closed, before they are cancelled. Default 5,000. */
  readonly drainMs?: number
  /** Milliseconds after which a handler that was cancelled and goes on is told of. Default 10,000. */
  readonly stuckMs?: number
  /** Changes that wait for one who follows. Default 1,000. */
  readonly maxFollowed?: number
  /**
   * Told of the CIDs of an operation that becomes unfinished, by its promise or a retry, before the call that has asked for it
   * resolves; and now and then again. All of them can be parsed. It must not throw. Default: nobody is told.
   */
  readonly onRetained?: (cids: readonly string[]) => void
}

/** What those are that concern no store, checked. */
export type CheckedOptions = ReturnType<typeof checkWalOptions>

const ownKeys = [
  'types',
  'backends',
  'executor',
  'concurrency',
  'laneLimit',
  'windowSize',
  'maxUnfinished',
  'maxParamsBytes',
  'maxResultBytes',
  'retryBaseMs',
  'retryMaxMs',
  'progressMs',
  'drainMs',
  'stuckMs',
  'maxFollowed',
  'onRetained',
] as const
const day = 86_400_000

/** @throws TypeError, RangeError */
export function checkWalOptions(options: WalOptions) {
  checkKeys(options, [...storeOptionNames, ...ownKeys], 'openWal')
  const { types, backends = {}, executor = 'on', clock = Date.now, onRetained = () => {} } = options
  if (typeof types !== 'object' || types === null) throw new TypeError('types is an object of handlers')
  for (const [type, handler] of Object.entries(types)) {
    if (handler !== undefined) checkHandler(type, handler)
  }
  checkKeys(backends, Object.keys(backends), 'backends')
  for (const [name, backend] of Object.entries(backends)) checkBackend(name, backend)
  if (executor !== 'on' && executor !== 'off')
    throw new TypeError(`executor is on or off, not ${String(executor)}`)
  if (typeof clock !== 'function') throw new TypeError('clock is a function')
  if (typeof onRetained !== 'function') throw new TypeError('onRetained is a function')
  type WholeNumber = Exclude<(typeof ownKeys)[number], 'types' | 'backends' | 'executor' | 'onRetained'>
  const whole = (name: WholeNumber, least: number, most: number, otherwise: number): number =>
    wholeNumber(options[name], name, least, most, otherwise)
  const checked = {
    types: { ...types },
    backends: { ...backends },
    isOn: executor === 'on',
    clock,
    onRetained,
    concurrency: whole('concurrency', 1, 10_000, 64),
    laneLimit: whole('laneLimit', 1, 10_000, 16),
    windowSize: whole('windowSize', 16, 100_000, 1000),
    maxUnfinished: whole('maxUnfinished', 1, Number.MAX_SAFE_INTEGER, 1_000_000),
    maxParamsBytes: whole('maxParamsBytes', 2, 524_288, 65_536),
    maxResultBytes: whole('maxResultBytes', 2, 524_288, 65_536),
    backoff: {
      baseMs: whole('retryBaseMs', 1, day, 1000),
      maxMs: whole('retryMaxMs', 1, day, 300_000),
    },
    progressMs: whole('progressMs', 1, 3_600_000, 1000),
    drainMs: whole('drainMs', 0, day, 5000),
    stuckMs: whole('stuckMs', 1, day, 10_000),
    maxFollowed: whole('maxFollowed', 1, 1_000_000, 1000),
  }
  if (checked.backoff.maxMs < checked.backoff.baseMs) {
    throw new RangeError(
      `retryMaxMs, ${checked.backoff.maxMs}, is less than retryBaseMs, ${checked.backoff.baseMs}`,
    )
  }
  return checked
}

/** Those that are told: the numbers and texts, by their names. */
export function configOf(options: WalOptions, checked: CheckedOptions): Wal['config'] {
  const { types, backends, clock: _, onRetained: __, isOn, backoff, ...numbers } = checked
  const { segmentBytes, index, keepFinished, idempotencyWindowMs, maxUnfinishedBytes } = checkStoreOptions(
    storeOptions(options),
  )
  return Object.freeze({
    executor: isOn ? 'on' : 'off',
    types: Object.keys(types).join(' '),
    backends: Object.keys(backends).join(' '),
    ...numbers,
    retryBaseMs: backoff.baseMs,
    retryMaxMs: backoff.maxMs,
    mode: options.mode ?? 'always',
    segmentBytes,
    index,
    keepFinishedCount: keepFinished.count,
    keepFinishedMaxAgeMs: keepFinished.maxAgeMs,
    idempotencyWindowMs,
    maxUnfinishedBytes,
  })
}

/** Those that concern the store. */
export function storeOptions(options: WalOptions): OperationStoreOptions {
  const { types: _, backends: __, ...rest } = options
  const picked = Object.entries(rest).filter(([name]) =>
    (storeOptionNames as readonly string[]).includes(name),
  )
  return Object.fromEntries(picked) as unknown as OperationStoreOptions
}

function checkBackend(name: string, options: BackendOptions): void {
  checkText(name, 'The name of a backend', 200)
  const what = `The backend ${name}`
  checkKeys(options, ['limit', 'probe', 'degradedAfter', 'offlineAfter'], what)
  const { limit, probe, degradedAfter, offlineAfter } = options
  if (probe !== undefined && typeof probe !== 'function')
    throw new TypeError(`${what} has as probe a function`)
  wholeNumber(limit, 'limit', 1, 10_000, 1)
  const degraded = wholeNumber(degradedAfter, 'degradedAfter', 1, 10_000, 3)
  const offline = wholeNumber(offlineAfter, 'offlineAfter', 1, 10_000, 10)
  if (offline >= degraded) return
  throw new RangeError(
    `${what} would be offline after ${offline} failures, before it is degraded after ${degraded}`,
  )
}
