/** A tier of blocks that takes its time, and DAGs to read from it. */
import {
  createPrefetcher,
  type FetchContext,
  type Prefetcher,
  type PrefetcherOptions,
} from '@ipfs-kit/cache/predictive'
import { createEvent, type Event, sleep } from '@ipfs-kit/concurrency'

/** The links of each key, in the order in which a reader that leaves nothing out asks for the keys. */
export type Dag = ReadonlyMap<string, readonly string[]>

/** Root, nodes, leaves. */
export function fileDag(nodes: number, leaves: number): Dag & { readonly order: string[] } {
  const dag = new Map<string, readonly string[]>()
  dag.set(
    'root',
    Array.from({ length: nodes }, (_, node) => `node ${node}`),
  )
  for (let node = 0; node < nodes; node += 1) {
    const below = Array.from({ length: leaves }, (_, leaf) => `leaf ${node}.${leaf}`)
    dag.set(`node ${node}`, below)
    for (const leaf of below) dag.set(leaf, [])
  }
  return Object.assign(dag, { order: [...dag.keys()] })
}

/** Each block links to the next. */
export function chain(length: number): Dag {
  return new Map(
    Array.from({ length }, (_, at) => [`block ${at}`, at + 1 < length ? [`block ${at + 1}`] : []]),
  )
}

/** Fetches of which each takes the same time, counted. */
export class Tier {
  readonly #links: Dag
  readonly #ms: number
  running = 0
  mostRunning = 0
  /** Fetches that were not cancelled or failed. */
  fetched = 0
  /** Keys whose fetch began. */
  readonly log: string[] = []
  readonly purposes: string[] = []
  /** Fail once. */
  readonly failNext = new Set<string>()
  readonly hang = new Set<string>()
  readonly #held = new Map<string, Event>()

  constructor(links: Dag, ms: number) {
    this.#links = links
    this.#ms = ms
  }

  valueOf(key: string): Uint8Array {
    return new Uint8Array(50).fill(key.length)
  }

  /** Its fetch does not end before the event that this gives is set. */
  hold(key: string): Event {
    const mayEnd = createEvent()
    this.#held.set(key, mayEnd)
    return mayEnd
  }

  readonly linksOf = (key: string): readonly string[] => this.#links.get(key) ?? []

  readonly fetch = async (key: string, { purpose, signal }: FetchContext): Promise<Uint8Array> => {
    this.log.push(key)
    this.purposes.push(`${purpose} ${key}`)
    this.running += 1
    this.mostRunning = Math.max(this.mostRunning, this.running)
    try {
      await this.#held.get(key)?.wait()
      await sleep(this.hang.has(key) ? Number.POSITIVE_INFINITY : this.#ms)
      if (this.failNext.delete(key)) throw new Error(`the tier fails at ${key}`)
      signal.throwIfAborted()
      this.fetched += 1
      return this.valueOf(key)
    } finally {
      this.running -= 1
    }
  }
}

/** Waits until nothing is on its way, however long that takes. */
export async function quiet(prefetcher: Prefetcher<Uint8Array>): Promise<void> {
  while (prefetcher.stats().runningBytes > 0) await sleep(1)
}

/** Waits until a fetch of a key has begun. */
export async function begun(tier: Tier, key: string): Promise<void> {
  while (!tier.log.includes(key)) await sleep(1)
}

export function prefetcherOver(
  tier: Tier,
  options: Partial<PrefetcherOptions<Uint8Array>> = {},
): Prefetcher<Uint8Array> {
  return createPrefetcher<Uint8Array>({ fetch: tier.fetch, linksOf: tier.linksOf, ...options })
}
