/** Readers over a tier that fails, hangs and heeds no cancellation, in any order, against what was asked and what was fetched. */
import { createMemoryCache } from '@ipfs-kit/cache'
import { createPrefetcher, type PrefetchCounts, type Reader } from '@ipfs-kit/cache/predictive'
import { moveOnAfter, random, sleep, taskGroup, throwIfCancelled } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test, { seeds: 100 })

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

function valueOf(key: string): Uint8Array {
  return new Uint8Array(10 + (key.length % 7) * 20).fill(key.charCodeAt(key.length - 1))
}

const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`)

/** Links that loop, lead nowhere, name themselves, and are told otherwise each time. */
function lyingLinks(key: string): string[] {
  const at = Number(key.slice(4))
  if (random() < 0.1) throw new Error('no links in here')
  if (random() < 0.2) return Array.from({ length: 5 }, () => pick(keys))
  return at % 5 === 0 ? keys.slice(at, at + 6) : [key, keys[(at + 1) % keys.length]!, 'nowhere']
}

function endedOf({ inTime, late, never, cancelled, failed }: PrefetchCounts): number {
  return inTime + late + never + cancelled + failed
}

onBoth('values are right, budgets hold, counts add up and nothing outlives its reader', async () => {
  let running = 0
  const fetch = async (key: string): Promise<Uint8Array> => {
    running += 1
    try {
      if (random() < 0.2)
        // It heeds no cancellation.
        await moveOnAfter(1000, () => sleep(random() * 10), { shield: true })
      else await sleep(random() < 0.05 ? 1e6 : random() * 10)
      if (random() < 0.1 || key === 'nowhere') throw new Error(`the tier fails at ${key}`)
      return valueOf(key)
    } finally {
      running -= 1
    }
  }
  const [maxBytes, maxBlocks, maxAddedShare] = [pick([60, 300, 2000]), pick([1, 4, 16]), pick([0, 0.1, 1])]
  const cache = random() < 0.5 ? createMemoryCache<Uint8Array>({ maxEntries: 8 }) : undefined
  const prefetcher = createPrefetcher<Uint8Array>({
    ...{ fetch, linksOf: lyingLinks, maxBytes, maxBlocks, maxAddedShare },
    ...(cache === undefined ? {} : { cache }),
  })
  let reads = 0

  const read = async (reader: Reader<Uint8Array>, key: string, position?: number): Promise<void> => {
    try {
      const value = await reader.read(key, position === undefined ? {} : { position })
      expect(value).toEqual(valueOf(key))
    } catch (error) {
      throwIfCancelled()
      expect((error as Error).message).toMatch(/the tier fails at|no links in here|was closed|is closed/)
    }
    const { runningBytes, waitingBytes, prefetches, readers } = prefetcher.stats()
    expect(runningBytes + waitingBytes).toBeLessThanOrEqual(maxBytes)
    expect(Math.min(runningBytes, waitingBytes)).toBeGreaterThanOrEqual(0)
    expect(prefetches.started - endedOf(prefetches)).toBeLessThanOrEqual(maxBlocks * Math.max(readers, 3))
  }

  await taskGroup((group) => {
    for (let at = 0; at < 3; at += 1)
      group.spawn(async () => {
        for (let rounds = 0; rounds < 3; rounds += 1) {
          const life = async (): Promise<void> => {
            const reader = prefetcher.reader({ keyAt: (position) => keys[position] })
            try {
              let position = 0
              for (let times = 0; times < 12; times += 1) {
                position = random() < 0.7 ? (position + 1) % keys.length : Math.floor(random() * keys.length)
                reads += 1
                const one = (): Promise<void> =>
                  read(reader, keys[position]!, random() < 0.5 ? position : undefined)
                const how = pick(['left early', 'together', 'alone', 'alone', 'alone'])
                if (how === 'left early') await moveOnAfter(random() * 8, one)
                else if (how === 'together') await Promise.all([one(), ((reads += 1), one())])
                else await moveOnAfter(200, one)
                if (random() < 0.1) await reader.close()
                if (random() < 0.3) await sleep(random() * 15)
              }
            } finally {
              await reader.close()
              await reader.close()
            }
          }
          await moveOnAfter(random() * 150, life)
        }
      })
  })
  const {
    prefetches,
    bySource,
    runningBytes,
    waitingBytes,
    readers,
    demands,
    cached,
    precision,
    coverage,
    ...rest
  } = prefetcher.stats()
  expect(endedOf(prefetches)).toBe(prefetches.started)
  for (const source of Object.values(bySource)) expect(endedOf(source)).toBe(source.started)
  expect([runningBytes, waitingBytes, readers, running]).toEqual([0, 0, 0, 0])
  expect(demands + cached).toBeLessThanOrEqual(reads)
  for (const share of [precision, coverage]) if (share !== undefined) expect(share).toBeLessThanOrEqual(1)
  const waste = prefetches.never + prefetches.cancelled + prefetches.failed
  expect(rest.addedBytes).toBeLessThanOrEqual(130 * waste)
  expect((coverage ?? 0) * demands).toBeGreaterThan(prefetches.inTime - 0.5)
  await prefetcher.close()
  await prefetcher.close()
  expect(() => prefetcher.reader()).toThrow('closed')
})
