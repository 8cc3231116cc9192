/** The metrics of a process on one registry. */
import type { Server } from 'node:http'
import { Counter, Registry } from 'prom-client'
import type { Metric } from 'prom-client'
import { measureConcurrency } from './concurrency.ts'
import { measureHttp } from './http.ts'
import { measureJournal } from './journal.ts'
import { observeStats } from './observed.ts'
import { measureOperations } from './operations.ts'
import { measureProcess } from './process.ts'
import { measureWal } from './wal.ts'

/** Options of {@link createTelemetry}. */
export interface TelemetryOptions {
  /** Where the metrics are registered. It may hold others. */
  readonly registry: Registry
  /**
   * The name under which the requests of an HTTP server are counted, or undefined not to count them. It is asked at each
   * request of any server in the process, and must not throw. Default: no server is counted.
   */
  readonly nameOfServer?: (server: Server) => string | undefined
}

/** All metrics of a registry as text. */
export interface Exposition {
  /** For the header of the response. */
  readonly contentType: string
  readonly body: string
}

/** Metrics that are kept up to date until it is closed. */
export interface Telemetry extends AsyncDisposable {
  /**
   * Shows the numbers of a snapshot as gauges `ipfs_kit_<name>_<key>`, with `key` in snake case. The snapshot is taken
   * now, to learn its keys, and once at each scrape. If it throws then, its gauges are left out of that scrape and
   * `ipfs_kit_observe_failures_total{name}` grows, which the next scrape shows at the latest.
   *
   * @throws TypeError for a name or a key that cannot be part of a metric's name, a metric that is there already, a
   *   snapshot without numbers or with more than 64, and after close; and whatever the snapshot throws now
   */
  observe(name: string, snapshot: () => object): void
  /** All metrics of the registry, also those of others. */
  metrics(): Promise<Exposition>
  /** Stops listening and takes its metrics out of the registry. Idempotent. */
  close(): Promise<void>
}

/**
 * Begins to measure the process, its tasks, the HTTP servers that have a name, the operations that are published on
 * `operations:call`, logs of operations by the channels `wal:…`, and journals of files by the channels `journal:…`.
 *
 * @throws TypeError for an option that is unknown or of the wrong type, or if the registry has one of the metrics
 */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const unknown = Object.keys(options ?? {}).find((key) => key !== 'registry' && key !== 'nameOfServer')
  if (unknown !== undefined) {
    throw new TypeError(`createTelemetry has no option ${unknown}; it has registry, nameOfServer`)
  }
  const { registry, nameOfServer = () => undefined } = options ?? {}
  if (typeof registry?.registerMetric !== 'function') {
    throw new TypeError('createTelemetry needs registry, a Registry of prom-client')
  }
  if (typeof nameOfServer !== 'function') throw new TypeError('nameOfServer is a function')
  return new Metrics(registry, nameOfServer)
}

class Metrics implements Telemetry {
  readonly #registry: Registry
  readonly #names: string[] = []
  readonly #stops: (() => void)[] = []
  readonly #failures: Counter
  #closed = false

  constructor(registry: Registry, nameOfServer: (server: Server) => string | undefined) {
    this.#registry = registry
    const made = new Registry()
    this.#failures = new Counter({
      name: 'ipfs_kit_observe_failures_total',
      help: 'Snapshots that could not be taken.',
      labelNames: ['name'],
      registers: [made],
    })
    measureConcurrency(made)
    this.#stops.push(measureProcess(made), measureHttp(made, nameOfServer))
    this.#stops.push(measureOperations(made), measureWal(made), measureJournal(made))
    try {
      this.#register(made)
    } catch (error) {
      this.#stop()
      throw error
    }
  }

  observe(name: string, snapshot: () => object): void {
    if (this.#closed) throw new TypeError(`The telemetry is closed and cannot observe ${name}`)
    const made = new Registry()
    observeStats(made, name, snapshot, this.#failures)
    this.#register(made)
  }

  async metrics(): Promise<Exposition> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stop()
    for (const name of this.#names) this.#registry.removeSingleMetric(name)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Moves metrics into the registry: all of them, or none if one is there already. */
  #register(made: Registry): void {
    const metrics = made.getMetricsAsArray()
    const taken = metrics.find(({ name }) => this.#registry.getSingleMetric(name) !== undefined)
    if (taken !== undefined) throw new TypeError(`The registry has a metric ${taken.name} already`)
    for (const { name } of metrics) {
      this.#registry.registerMetric(made.getSingleMetric(name) as Metric)
      this.#names.push(name)
    }
  }

  #stop(): void {
    for (const stop of this.#stops) stop()
  }
}
