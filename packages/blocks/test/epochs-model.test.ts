/** Random histories of leases, claims, marks and removals, held against sets of what must live. */
import { expect, it } from 'vitest'
import { createEpochs } from '../src/epochs.ts'
import { firstKept, plainCatalog } from './plain-catalog.ts'

const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`)

function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

interface OpenLease {
  readonly era: number
  readonly held: Set<string>
}

/** One history. Returns how much of each kind happened. */
function history(seed: number, steps: number) {
  const random = generator(seed)
  const catalog = plainCatalog()
  const epochs = createEpochs(catalog)
  const leases = new Set<OpenLease>()
  const claims = new Map<number, readonly string[]>()
  let nextClaim = 0
  const counts = { opened: 0, completed: 0, abandoned: 0, removed: 0, exact: 0 }
  /** What the run in progress does next. */
  let run: Generator<void, void, undefined> | undefined
  /** Whether no lease was open, and no claim was changed, since the run began. */
  let isQuiet = true

  const mustLive = (): Set<string> =>
    new Set([...[...leases].flatMap(({ held }) => [...held]), ...[...claims.values()].flat()])
  const entry = (key: string) => catalog.find(key)!
  const each = function* (visit: (key: string) => void): Generator<void, void, undefined> {
    // Removals move entries: as for a real sweep, those that stay are visited.
    for (const key of catalog.keys()) {
      if (catalog.find(key) !== undefined) visit(key)
      if (random(4) === 0) yield
    }
  }
  const mark = function* (): Generator<void, void, undefined> {
    isQuiet = leases.size === 0
    if (epochs.needsCleaning) {
      epochs.beginCleaning()
      yield* each((key) => epochs.clean(entry(key)))
      epochs.endCleaning()
    }
    isQuiet &&= leases.size === 0
    epochs.begin()
    const end = nextClaim
    for (let id = 0; id < end; id += 1) {
      for (const key of claims.get(id) ?? []) epochs.reach(entry(key))
      if (random(8) === 0) yield
    }
    epochs.beginSweep()
    yield* each((key) => epochs.judge(entry(key)))
    epochs.complete()
    counts.completed += 1
    if (!isQuiet) return
    counts.exact += 1
    const claimed = mustLive()
    for (const key of catalog.keys()) expect(epochs.isLive(entry(key)), key).toBe(claimed.has(key))
  }
  const take = (key: string, lease: OpenLease | undefined) => {
    const there = catalog.find(key)
    const leased = lease !== undefined
    if (there === undefined)
      catalog.add(key, firstKept, 1, epochs.freshMark(leased), epochs.freshStamp(leased))
    else if (leased) epochs.touch(there)
    lease?.held.add(key)
  }
  const anyLease = () => [...leases][random(Math.max(1, leases.size))]
  const close = (lease: OpenLease) => {
    leases.delete(lease)
    epochs.leaseClosed(lease.era)
  }

  for (let step = 0; step < steps; step += 1) {
    const what = random(100)
    const key = keys[random(keys.length)]!
    const lease = anyLease()
    if (what < 8 && leases.size < 4) {
      leases.add({ era: epochs.leaseOpened(), held: new Set() })
      counts.opened += 1
      isQuiet = false
    } else if (what < 30 && lease !== undefined) take(key, lease)
    else if (what < 34) take(key, undefined)
    else if (what < 40 && lease !== undefined) {
      claims.set(nextClaim, [...lease.held].slice(0, 4))
      nextClaim += 1
      isQuiet = false
      if (random(2) === 0) close(lease)
    } else if (what < 48 && lease !== undefined) close(lease)
    else if (what < 55 && claims.size > 0 && !isQuiet) {
      claims.delete([...claims.keys()][random(claims.size)]!)
    } else if (what < 57) {
      if (run !== undefined) counts.abandoned += 1
      run = undefined
      epochs.abandon()
    } else if (what < 60) {
      for (const one of catalog.keys()) {
        if (epochs.isLive(entry(one))) continue
        catalog.remove(one)
        counts.removed += 1
      }
    } else if (what < 61) for (const open of leases) close(open)
    else {
      run ??= mark()
      if (run.next().done === true) run = undefined
    }
    for (const one of mustLive()) {
      const there = catalog.find(one)
      if (there === undefined || !epochs.isLive(there)) throw new Error(`step ${step}: ${one} is lost`)
    }
    for (const open of leases)
      for (const one of open.held)
        if (!epochs.isHeld(entry(one))) throw new Error(`step ${step}: ${one} is not held`)
  }
  return counts
}

it('lets nothing die that a lease holds or a claim reaches, and everything else without open leases', () => {
  const sum = { opened: 0, completed: 0, abandoned: 0, removed: 0, exact: 0 }
  for (let seed = 1; seed <= 40; seed += 1) {
    let counts
    try {
      counts = history(seed, 12_000)
    } catch (cause) {
      throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause })
    }
    for (const [name, count] of Object.entries(counts)) sum[name as keyof typeof sum] += count
  }
  // Histories that never get this far would prove nothing: each passes some hundreds of eras, so the stamps wrap.
  expect(sum.opened).toBeGreaterThan(40 * 200)
  expect(sum.completed).toBeGreaterThan(1000)
  expect(sum.abandoned).toBeGreaterThan(1000)
  expect(sum.removed).toBeGreaterThan(1000)
  expect(sum.exact).toBeGreaterThan(20)
})
