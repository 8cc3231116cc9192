/**
 * What is known of a backend: online, degraded or offline. Attempts that fail with something that another attempt may overcome
 * count against it; what it is probed with, or where there is no probe the next attempt, tells when it is back.
 */
import { failAfter, sleep, type Owner, type Task } from '@ipfs-kit/concurrency'
import { backoffMs } from './backoff.ts'
import { failureOf } from './conclusion.ts'
import { WalError } from '../errors.ts'
import type { OperationFailure } from '../store/operation.ts'
import { publishBackend } from '../reports.ts'
import type { BackendHealth } from '../wal/wal.ts'

/** What is said of a backend when a log of operations is opened. */
export interface BackendOptions {
  /** Attempts at once, 1 to 1,000. Default: `laneLimit`. */
  readonly limit?: number
  /** Really asks the backend, and tells what it has found as evidence. It has 30 seconds. */
  readonly probe?: (options: { readonly signal: AbortSignal }) => Promise<string>
  /** Failures in a row, within a minute, after which it is degraded. Default 3. */
  readonly degradedAfter?: number
  /** And after which it is offline, if a probe does not say otherwise. Default 10. */
  readonly offlineAfter?: number
}

/** What a breaker is made of. */
export interface BreakerOptions {
  readonly backend: string
  readonly owner: Owner
  readonly clock: () => number
  readonly options: BackendOptions
  /** Told when attempts may begin again. */
  readonly onOpen: () => void
  /** Told when its state has changed. */
  readonly onChange: () => void
}

/** Failures that are further apart than this are no row. */
const rowMs = 60_000
const probeTimeoutMs = 30_000
/** How long it waits between probes. */
const probeBackoff = { baseMs: 1000, maxMs: 60_000 }

export class Breaker {
  readonly #options: BreakerOptions
  #state: BackendHealth['state'] = 'online'
  #since: number
  #evidence = 'nothing has failed yet'
  #failures = 0
  #lastFailureAt = -Infinity
  #probing: Task<void> | undefined
  /** Whether somebody sees to it while it is offline. */
  #isWatched = false
  #nextProbeAt: number | undefined
  /** Since it is offline. */
  #probes = 0
  /** Offline, without a probe: whether one attempt may try it, and whether one does. */
  #trial: 'no' | 'may' | 'runs' = 'no'

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#since = options.clock()
  }

  /** Whether an attempt may begin. */
  get lets(): boolean {
    return this.#state !== 'offline' || this.#trial === 'may'
  }

  get #isOffline(): boolean {
    return this.#state === 'offline'
  }

  get health(): Omit<BackendHealth, 'running' | 'limit'> {
    const { backend } = this.#options
    const next = this.#nextProbeAt === undefined ? {} : { nextProbeAt: this.#nextProbeAt }
    return { backend, state: this.#state, since: this.#since, evidence: this.#evidence, ...next }
  }

  began(): void {
    if (this.#trial === 'may') this.#trial = 'runs'
  }

  /** An attempt has ended: with a failure that its backend may be blamed for, with success, or in a way that says nothing. */
  ended(outcome: OperationFailure | 'completed' | 'nothing'): void {
    const wasTrial = this.#trial === 'runs'
    if (wasTrial) this.#trial = 'may'
    if (outcome === 'completed') this.#becomes('online', 'an attempt has completed')
    else if (outcome !== 'nothing') this.#failed(outcome, wasTrial)
  }

  /** Probes it now. @throws WalError WAL_NOT_FOUND if it has no probe; the reason of the signal */
  async probe(signal: AbortSignal | undefined): Promise<void> {
    const { backend, options, owner } = this.#options
    const { probe } = options
    if (probe === undefined) throw new WalError('WAL_NOT_FOUND', `The backend ${backend} has no probe`)
    // One probe is for all who ask.
    this.#probing ??= owner.spawn(() => this.#probe(probe), { name: `probe of ${backend}` })
    await this.#probing.join(signal === undefined ? {} : { signal })
  }

  #failed(failure: OperationFailure, wasTrial: boolean): void {
    const { clock, options } = this.#options
    const at = clock()
    this.#failures = Math.abs(at - this.#lastFailureAt) > rowMs ? 1 : this.#failures + 1
    this.#lastFailureAt = at
    const evidence = `${failure.code}: ${failure.message}`
    const { degradedAfter = 3, offlineAfter = 10 } = options
    if (this.#state === 'offline') {
      // Of attempts that began before only the first failures said something.
      if (!wasTrial) return
      this.#trial = 'no'
      this.#evidence = evidence.slice(0, 2000)
      this.#watchOffline()
    } else if (this.#failures >= offlineAfter && options.probe === undefined) {
      this.#becomes('offline', evidence)
    } else if (this.#failures >= degradedAfter) {
      this.#becomes('degraded', evidence)
      // Asked when it becomes degraded, and once more for each row of failures.
      if ((this.#failures - degradedAfter) % offlineAfter === 0) this.#ask()
    }
  }

  /** Lets the probe say whether it is offline. */
  #ask(): void {
    const { options, owner, backend } = this.#options
    const { probe } = options
    if (probe === undefined || this.#probing !== undefined) return
    this.#probing = owner.spawn(() => this.#probe(probe), { name: `probe of ${backend}` })
  }

  async #probe(probe: NonNullable<BackendOptions['probe']>): Promise<void> {
    try {
      const evidence = await failAfter(probeTimeoutMs, ({ signal }) => probe({ signal }))
      // What fails at a backend that answers is the operations' own matter: it stays degraded until one completes.
      this.#becomes(this.#state === 'degraded' ? 'degraded' : 'online', evidence)
    } catch (error) {
      if (this.#options.owner.stats().closed) throw error
      const { code, message } = failureOf(error)
      this.#becomes('offline', `${code}: ${message}`)
    } finally {
      this.#probing = undefined
    }
  }

  #becomes(state: BackendHealth['state'], evidence: string): void {
    const wasClosed = this.#state === 'offline'
    this.#evidence = evidence.slice(0, 2000)
    if (state === 'online') this.#failures = 0
    if (state === this.#state) return
    if (wasClosed) this.#trial = 'no'
    this.#state = state
    this.#since = this.#options.clock()
    publishBackend(this.health)
    this.#options.onChange()
    this.#probes = 0
    if (state === 'offline') this.#watchOffline()
    else if (wasClosed) this.#options.onOpen()
  }

  /** Until it is not offline any more: probes it again and again, or lets an attempt try it. */
  #watchOffline(): void {
    const { owner, backend } = this.#options
    if (this.#isWatched) return
    this.#isWatched = true
    owner.spawn(() => this.#untilBack(), { name: `watch over ${backend}` })
  }

  async #untilBack(): Promise<void> {
    const { clock, options, onOpen } = this.#options
    try {
      while (this.#state === 'offline' && this.#trial === 'no') {
        this.#probes += 1
        const waitMs = backoffMs(probeBackoff, this.#probes)
        this.#nextProbeAt = clock() + waitMs
        await sleep(waitMs)
        if (!this.#isOffline) break
        if (options.probe === undefined) {
          this.#trial = 'may'
          onOpen()
        } else {
          await this.probe(undefined)
        }
      }
    } finally {
      this.#nextProbeAt = undefined
      this.#isWatched = false
    }
  }
}
