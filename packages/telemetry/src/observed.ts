/** Snapshots of objects as gauges: what `stats()` gives, read when somebody scrapes. */
import { Gauge } from 'prom-client'
import type { Counter, Registry } from 'prom-client'

const namePattern = /^[a-z][a-z0-9_]{0,63}$/
const maxKeys = 64

/**
 * Makes a gauge `ipfs_kit_<name>_<key>` for each number that the snapshot has now. At each scrape the snapshot is taken
 * once and all of its gauges are set from it. A number that is missing then is not shown; a snapshot that throws shows
 * none of its gauges, and adds one to `failures`.
 *
 * @returns the gauges, in `registry`
 * @throws TypeError for a name or a key that cannot be part of a metric's name, a snapshot without numbers or with more
 *   than 64; and whatever the snapshot throws
 */
export function observeStats(
  registry: Registry,
  name: string,
  snapshot: () => object,
  failures: Counter,
): void {
  if (!namePattern.test(name)) {
    throw new TypeError(`What is observed has a name like block_store, not ${JSON.stringify(name)}`)
  }
  const gauges = new Map<string, Gauge>()
  const read = (): void => {
    let stats: Partial<Record<string, unknown>>
    try {
      stats = snapshot() as Partial<Record<string, unknown>>
    } catch {
      failures.inc({ name })
      stats = {}
    }
    for (const [key, gauge] of gauges) {
      const value = stats[key]
      if (isNumber(value)) gauge.set(Number(value))
      else gauge.remove()
    }
  }
  const first: unknown = snapshot()
  const keys = Object.entries(first ?? {}).flatMap(([key, value]) => (isNumber(value) ? [key] : []))
  if (keys.length === 0 || keys.length > maxKeys) {
    throw new TypeError(`A snapshot has 1 to ${maxKeys} numbers; that of ${name} has ${keys.length}`)
  }
  for (const key of keys) {
    const metric = snakeCase(key)
    if (!namePattern.test(metric))
      throw new TypeError(`${JSON.stringify(key)} of ${name} cannot name a metric`)
    const isFirst = gauges.size === 0
    gauges.set(
      key,
      new Gauge({
        name: `ipfs_kit_${name}_${metric}`,
        help: `${key} of ${name}.`,
        registers: [registry],
        // The first is collected first, and sets all the others.
        ...(isFirst && { collect: read }),
      }),
    )
  }
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isFinite(value)
}

function snakeCase(key: string): string {
  return key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}
