/** How the backends are: what is said of them, and what the log of operations knows. */
import { now } from '@ipfs-kit/concurrency'
import type { StorageBackend } from '@ipfs-kit/storage'
import type { PlacedBackend, PlacementWal } from './placement.ts'
import type { BackendFacts } from './policy.ts'

/** The backends of a placement. */
export class Standing {
  readonly #placed: ReadonlyMap<string, PlacedBackend>
  readonly #offlineGraceMs: number
  /** Since when backends are offline, on the clock of `now()`. */
  readonly #offlineSince = new Map<string, number>()

  constructor(placed: readonly PlacedBackend[], offlineGraceMs: number) {
    this.#placed = new Map(placed.map((one) => [one.backend.name, one]))
    this.#offlineGraceMs = offlineGraceMs
  }

  get names(): readonly string[] {
    return [...this.#placed.keys()]
  }

  backend(name: string): StorageBackend | undefined {
    return this.#placed.get(name)?.backend
  }

  /** Looks at what the log knows, if there is one yet. */
  facts(wal: Pick<PlacementWal, 'stats'> | undefined): BackendFacts[] {
    const lanes = new Map(wal?.stats().backends.map(({ backend, state }) => [backend, state]))
    return [...this.#placed].map(([name, placed]) => ({
      name,
      failureDomain: placed.backend.failureDomain,
      tags: placed.tags ?? [],
      durability: placed.durability ?? 'durable',
      offSite: placed.offSite ?? false,
      costPerGiBMonth: placed.costPerGiBMonth ?? 0,
      costPerWrite: placed.costPerWrite ?? 0,
      costPerRead: placed.costPerRead ?? 0,
      writable: placed.backend.supports.write,
      state: this.#stateOf(name, lanes.get(name) === 'offline'),
    }))
  }

  #stateOf(name: string, isOffline: boolean): BackendFacts['state'] {
    if (!isOffline) {
      this.#offlineSince.delete(name)
      return 'up'
    }
    const since = this.#offlineSince.get(name) ?? now()
    this.#offlineSince.set(name, since)
    return now() - since >= this.#offlineGraceMs ? 'down' : 'away'
  }
}
