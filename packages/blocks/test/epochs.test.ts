import { expect, it } from 'vitest'
import { createEpochs } from '../src/epochs.ts'
import { firstKept, plainCatalog } from './plain-catalog.ts'

function made() {
  const catalog = plainCatalog()
  const epochs = createEpochs(catalog)
  /** A new entry, put by a lease or without one. */
  const put = (key: string, leased: boolean) =>
    catalog.add(key, firstKept, 1, epochs.freshMark(leased), epochs.freshStamp(leased))
  const sweep = () => {
    epochs.beginSweep()
    const alive = catalog.keys().filter((key) => epochs.judge(catalog.find(key)!))
    epochs.complete()
    return alive
  }
  const run = (...claimed: string[]) => {
    if (epochs.needsCleaning) {
      epochs.beginCleaning()
      for (const key of catalog.keys()) epochs.clean(catalog.find(key)!)
      epochs.endCleaning()
    }
    epochs.begin()
    for (const key of claimed) epochs.reach(catalog.find(key)!)
    return sweep()
  }
  return { catalog, epochs, put, run, sweep }
}

it('has everything live before the first complete mark, and nothing held', () => {
  const { epochs, put } = made()
  const entry = put('a', false)
  expect(epochs.isLive(entry)).toBe(true)
  expect(epochs.isMarked(entry)).toBe(false)
  expect(epochs.isHeld(entry)).toBe(false)
})

it('keeps what is claimed and lets die what is not', () => {
  const { epochs, put, run } = made()
  const [a, b] = [put('a', false), put('b', false)]
  expect(run('a')).toEqual(['a'])
  expect([epochs.isLive(a), epochs.isLive(b)]).toEqual([true, false])
  expect(epochs.epoch).toBe(1)
})

it('holds what a lease put or touched until it is closed', () => {
  const { epochs, put, run } = made()
  const found = put('found', false)
  run()
  const era = epochs.leaseOpened()
  const own = put('own', true)
  epochs.touch(found)
  expect([epochs.isHeld(own), epochs.isHeld(found)]).toEqual([true, true])
  expect(run()).toEqual(['found', 'own'])
  epochs.leaseClosed(era)
  expect(epochs.openLeases).toBe(0)
  expect([epochs.isHeld(own), epochs.isHeld(found)]).toEqual([false, false])
  expect(epochs.isLive(found)).toBe(true)
  expect(run()).toEqual([])
  expect(epochs.isLive(found)).toBe(false)
})

it('gives life back to a dead entry that a lease finds', () => {
  const { epochs, put, run } = made()
  const entry = put('a', false)
  run()
  expect(epochs.isLive(entry)).toBe(false)
  const era = epochs.leaseOpened()
  epochs.touch(entry)
  expect(epochs.isLive(entry)).toBe(true)
  epochs.leaseClosed(era)
  expect(epochs.isLive(entry)).toBe(true)
})

it('spares what a lease touched that closed while the mark ran, whenever it opened', () => {
  const { epochs, put, sweep, run } = made()
  run()
  const before = epochs.leaseOpened()
  put('before', true)
  epochs.begin()
  const during = epochs.leaseOpened()
  put('during', true)
  epochs.leaseClosed(before)
  epochs.leaseClosed(during)
  expect(sweep()).toEqual(['before', 'during'])
  expect(run()).toEqual([])
})

it('does not spare what a lease touched that closed before the mark began', () => {
  const { epochs, put, run } = made()
  const first = epochs.leaseOpened()
  put('a', true)
  const second = epochs.leaseOpened()
  put('b', true)
  epochs.leaseClosed(first)
  expect(run()).toEqual(['b'])
  epochs.leaseClosed(second)
})

it('keeps the last complete epoch in force until the next one is complete', () => {
  const { epochs, put, run } = made()
  const [a, b] = [put('a', false), put('b', false)]
  run('a')
  epochs.begin()
  epochs.reach(b)
  epochs.beginSweep()
  epochs.judge(a)
  epochs.judge(b)
  expect([epochs.isLive(a), epochs.isLive(b)]).toEqual([true, true])
  epochs.abandon()
  expect([epochs.isLive(a), epochs.isLive(b)]).toEqual([true, true])
  expect(epochs.epoch).toBe(1)
  expect(run()).toEqual([])
})

it('does not take what an abandoned run reached for reached in the next one', () => {
  const { catalog, epochs, put, run } = made()
  const entry = put('a', false)
  run('a')
  epochs.begin()
  epochs.reach(entry)
  epochs.abandon()
  expect(() => epochs.begin()).toThrow('cleaned')
  epochs.beginCleaning()
  epochs.abandon()
  expect(epochs.needsCleaning).toBe(true)
  expect(run()).toEqual([])
  expect(catalog.mark(entry)).not.toBe(0)
  expect(epochs.isLive(entry)).toBe(false)
})

it('tells whether the walk reaches an entry for the first time', () => {
  const { epochs, put } = made()
  const entry = put('a', false)
  epochs.begin()
  expect(epochs.reach(entry)).toBe(true)
  expect(epochs.reach(entry)).toBe(false)
})

it('keeps the dead dead over four more epochs, so that no mark comes back to life', () => {
  const { epochs, put, run } = made()
  const entry = put('a', false)
  run('a')
  for (let more = 0; more < 4; more += 1) {
    expect(run()).toEqual([])
    expect(epochs.isLive(entry)).toBe(false)
  }
})

it('holds what an old lease touched through a thousand younger leases', () => {
  const { epochs, put, run } = made()
  const era = epochs.leaseOpened()
  const entry = put('old', true)
  for (let at = 0; at < 1000; at += 1) {
    const young = epochs.leaseOpened()
    put(`young ${at}`, true)
    epochs.leaseClosed(young)
    expect(epochs.isHeld(entry)).toBe(true)
  }
  expect(run()).toContain('old')
  expect(epochs.isHeld(entry)).toBe(true)
  epochs.leaseClosed(era)
  expect(epochs.isHeld(entry)).toBe(false)
  expect(run()).toEqual([])
})

it('does not take a stamp of 255 eras ago for one of now', () => {
  const { epochs, put, run } = made()
  const old = epochs.leaseOpened()
  const entry = put('old', true)
  epochs.leaseClosed(old)
  for (let at = 0; at < 600; at += 1) {
    const era = epochs.leaseOpened()
    put(`young ${at}`, true)
    if (at > 20 && epochs.isHeld(entry)) expect.unreachable(`held after ${at} leases`)
    epochs.leaseClosed(era)
    if (at % 100 === 99) expect(run()).toEqual([])
  }
})

it('judges exactly after any number of abandoned runs and leases between them', () => {
  const { epochs, put, run } = made()
  for (let at = 0; at < 300; at += 1) {
    const era = epochs.leaseOpened()
    put(`a ${at}`, true)
    epochs.leaseClosed(era)
    if (epochs.needsCleaning) {
      epochs.beginCleaning()
      epochs.abandon()
    } else {
      epochs.begin()
      epochs.abandon()
    }
  }
  expect(run('a 7')).toEqual(['a 7'])
})

it('needs no cleaning as long as runs are complete, with 250 leases between them', () => {
  const { epochs, put, run } = made()
  for (let at = 0; at < 2000; at += 1) {
    const era = epochs.leaseOpened()
    put(`a ${at}`, true)
    epochs.leaseClosed(era)
    if (at % 250 !== 249) continue
    expect(epochs.needsCleaning).toBe(false)
    run()
  }
})

it('judges exactly after thousands of leases without a run', () => {
  const { epochs, put, run } = made()
  for (const round of [1, 2, 3]) {
    for (let at = 0; at < 1000 + round; at += 1) {
      const era = epochs.leaseOpened()
      put(`${round} ${at}`, true)
      epochs.leaseClosed(era)
    }
    expect(epochs.needsCleaning).toBe(true)
    expect(run('1 7')).toEqual(['1 7'])
  }
})

it('holds next to nothing for a lease that has touched nothing, after thousands of leases without a run', () => {
  const { epochs, put } = made()
  const entries = Array.from({ length: 3000 }, (_, at) => {
    const era = epochs.leaseOpened()
    const entry = put(`a ${at}`, true)
    epochs.leaseClosed(era)
    return entry
  })
  epochs.leaseOpened()
  const own = put('own', true)
  expect(epochs.isHeld(own)).toBe(true)
  expect(entries.filter((entry) => epochs.isHeld(entry)).length).toBeLessThan(3000 / 200)
})

it('refuses steps that are out of order', () => {
  const { epochs } = made()
  expect(() => epochs.complete()).toThrow('idle')
  expect(() => epochs.beginSweep()).toThrow('idle')
  epochs.begin()
  expect(() => epochs.begin()).toThrow('walking')
  expect(() => epochs.beginCleaning()).toThrow('walking')
  expect(() => epochs.complete()).toThrow('walking')
  expect(() => epochs.leaseClosed(0)).toThrow(RangeError)
})
