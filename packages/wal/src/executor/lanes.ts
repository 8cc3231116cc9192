/** The lanes of all backends, made when they are asked for. */
import type { Owner } from '@ipfs-kit/concurrency'
import { Breaker, type BackendOptions } from './breaker.ts'
import { WalError } from '../errors.ts'
import { Lane } from './lane.ts'
import type { Ledger } from '../wal/ledger.ts'
import { ownLane } from '../store/operation.ts'
import type { BackendHealth } from '../wal/wal.ts'

/** What lanes are made of. */
export interface LanesOptions {
  readonly ledger: Ledger
  /** Of probes. */
  readonly watch: Owner
  readonly backends: { readonly [name: string]: BackendOptions }
  readonly laneLimit: number
  readonly windowSize: number
  /** Whether an attempt has an operation. */
  readonly isRunning: (id: number) => boolean
  /** A backend takes something again. */
  readonly onOpen: (lane: Lane) => void
  /** The state of a backend has changed. */
  readonly onBackend: (health: BackendHealth) => void
}

export class Lanes {
  readonly #options: LanesOptions
  readonly #lanes = new Map<string, Lane>()

  constructor(options: LanesOptions) {
    this.#options = options
    for (const name of Object.keys(options.backends)) this.lane(name)
  }

  get all(): Iterable<Lane> {
    return this.#lanes.values()
  }

  /** When the next operation is due that is not due now. */
  get nextDueAt(): number {
    return Math.min(Infinity, ...[...this.#lanes.values()].map(({ nextDueAt }) => nextDueAt))
  }

  get health(): BackendHealth[] {
    const named = [...this.#lanes.values()].filter(({ breaker }) => breaker !== undefined)
    return named.map((lane) => healthOf(lane))
  }

  /** The lane of a backend. */
  lane(name: string): Lane {
    const known = this.#lanes.get(name)
    if (known !== undefined) return known
    const { ledger, backends, laneLimit, windowSize, watch, isRunning, onOpen, onBackend } = this.#options
    const options = Object.hasOwn(backends, name) ? backends[name]! : {}
    const breaker =
      name === ownLane
        ? undefined
        : new Breaker({
            backend: name,
            owner: watch,
            clock: ledger.clock,
            options,
            onOpen: () => onOpen(lane),
            onChange: () => onBackend(healthOf(lane)),
          })
    const lane: Lane = new Lane({
      name,
      ledger,
      limit: options.limit ?? laneLimit,
      windowSize,
      breaker,
      isRunning,
    })
    this.#lanes.set(name, lane)
    return lane
  }

  /** @throws WalError WAL_NOT_FOUND; the reason of the signal */
  async probe(name: string, signal: AbortSignal | undefined): Promise<BackendHealth> {
    const lane = this.#lanes.get(name)
    if (lane?.breaker === undefined)
      throw new WalError('WAL_NOT_FOUND', `There is no backend ${JSON.stringify(name)}`)
    await lane.breaker.probe(signal)
    return healthOf(lane)
  }

  /** Lets go of lanes that have nothing, but for those of backends that were named. */
  dropIdle(): void {
    for (const [name, lane] of this.#lanes) {
      const isIdle =
        lane.isEmpty && lane.limiter.stats().borrowed === 0 && lane.breaker?.health.state !== 'offline'
      if (isIdle && !Object.hasOwn(this.#options.backends, name)) this.#lanes.delete(name)
    }
  }
}

function healthOf({ breaker, limiter }: Lane): BackendHealth {
  const { borrowed, total } = limiter.stats()
  return Object.freeze({ ...breaker!.health, running: borrowed, limit: total })
}
