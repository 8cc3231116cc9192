/** The disk cache against a plain map, call by call. */
import assert from 'node:assert/strict'
import { type Blocks, openBlocks } from '@ipfs-kit/blocks'
import { type DiskCache, type DiskCacheOptions, openDiskCache } from '@ipfs-kit/cache/disk'
import { random } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import fc from 'fast-check'
import { test } from 'vitest'
import { bytesOf, chunked, comesTo, mib } from './disk-ground.ts'
import { collect } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 20 })

interface Value {
  readonly bytes: Buffer
  readonly mediaType: string | undefined
  readonly storedAt: number
  expiresAt: number
}

type Step =
  | {
      readonly do: 'put'
      readonly key: string
      readonly size: number
      readonly ttlMs: number
      readonly how: number
    }
  | { readonly do: 'get' | 'entry' | 'delete'; readonly key: string }
  | { readonly do: 'range'; readonly key: string; readonly offset: number; readonly length: number }
  | { readonly do: 'touch'; readonly key: string; readonly ttlMs: number }
  | { readonly do: 'list' | 'clear'; readonly prefix: string }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'reopen'; readonly kills: boolean }

const key = fc.constantFrom('a', 'a/1', 'a/2', 'b', 'é', '😀', '\uffff', 'a/../b')
const ttlMs = fc.constantFrom(5, 10, 50, Infinity)
const size = fc.constantFrom(0, 1, 100, 4096, 4097, 16_384, 16_385, 50_000, 90_000)
const prefix = fc.constantFrom('', 'a', 'a/', 'b', 'zz')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('put' as const), key, size, ttlMs, how: fc.nat(3) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('get' as const, 'entry' as const), key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('range' as const),
      key,
      offset: fc.nat(60_000),
      length: fc.nat(60_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('touch' as const), key, ttlMs }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('list' as const), prefix }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), prefix }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const), kills: fc.boolean() }) },
)

/** A cache, and what should be in it. */
class World {
  readonly values = new Map<string, Value>()
  readonly #options: Partial<DiskCacheOptions>
  /** Whether the store may evict what it likes. */
  readonly #evicts: boolean
  #disk: SimDisk = simDisk({ seed: Math.floor(random() * 2 ** 31) })
  #time = 1000
  #number = 0
  blocks!: Blocks
  cache!: DiskCache

  constructor(options: Partial<DiskCacheOptions>, evicts: boolean) {
    this.#options = options
    this.#evicts = evicts
  }

  async open(): Promise<void> {
    const maxBytes = this.#evicts ? mib : 64 * mib
    this.blocks = await openBlocks({ path: '/s', disk: this.#disk, maxBytes, minFreeBytes: 0 })
    this.cache = await openDiskCache({
      blocks: this.blocks,
      failureDomain: 'test',
      now: () => this.#time,
      ...this.#options,
    })
  }

  async take(step: Step): Promise<void> {
    const { cache, values } = this
    switch (step.do) {
      case 'put': {
        const bytes = bytesOf((this.#number += 1), step.size)
        const mediaType = step.how === 0 ? undefined : `type/${step.how}`
        const said = { ttlMs: step.ttlMs, ...(mediaType === undefined ? {} : { mediaType }) }
        const body = step.how === 1 ? chunked(bytes, 7000) : bytes
        await cache.put(step.key, body, said)
        const storedAt = this.#time
        values.set(step.key, { bytes, mediaType, storedAt, expiresAt: storedAt + step.ttlMs })
        return
      }
      case 'get': {
        const value = this.#live(step.key)
        const one = await cache.getBytes(step.key)
        this.#check(step.key, one, value?.bytes)
        if (one !== undefined)
          this.#check(step.key, await collect((await cache.get(step.key))?.body), value?.bytes)
        return
      }
      case 'range': {
        const value = this.#live(step.key)
        if (value !== undefined && step.offset > 0 && step.offset >= value.bytes.length) return
        const found = await cache.get(step.key, step)
        const expected = value?.bytes.subarray(step.offset, step.offset + step.length)
        this.#check(step.key, await collect(found?.body), expected)
        return
      }
      case 'entry': {
        const value = this.#live(step.key)
        const found = await cache.entry(step.key)
        if (this.#isEvicted(step.key, found)) return
        const { storedAt, expiresAt, mediaType, size } = found ?? {}
        assert.deepEqual(
          { storedAt, expiresAt, mediaType, size },
          {
            storedAt: value?.storedAt,
            expiresAt: value?.expiresAt,
            mediaType: value?.mediaType,
            size: value?.bytes.length,
          },
        )
        return
      }
      case 'delete':
        await cache.delete(step.key)
        values.delete(step.key)
        assert.equal(await cache.stat(step.key), undefined)
        return
      case 'touch': {
        const value = this.#live(step.key)
        const isThere = await cache.touch(step.key, step)
        if (this.#isEvicted(step.key, isThere ? true : undefined)) return
        assert.equal(isThere, value !== undefined)
        if (value !== undefined) value.expiresAt = this.#time + step.ttlMs
        return
      }
      case 'list':
        await this.#list(step.prefix)
        return
      case 'clear':
        await cache.clear(step)
        for (const one of values.keys()) if (one.startsWith(step.prefix)) values.delete(one)
        await this.#list(step.prefix)
        return
      case 'wait':
        this.#time += step.ms
        return
      case 'reopen':
        if (step.kills) this.#disk = this.#disk.kill()
        await this.close()
        await this.open()
    }
  }

  /** All that should be there is, and nothing else: neither in the listing nor in the store. */
  async end(): Promise<void> {
    const { cache, blocks, values } = this
    await this.#list('')
    for (const one of values.keys()) await this.take({ do: 'get', key: one })
    const sizes = (): number[] => [...values.keys()].flatMap((one) => this.#live(one)?.bytes.length ?? [])
    if (!this.#evicts) {
      const { entries, bytes, byMediaType, byAge } = cache.stats()
      const sum = sizes().reduce((before, one) => before + one, 0)
      assert.deepEqual({ entries, bytes }, { entries: sizes().length, bytes: sum })
      for (const tallies of [byMediaType, byAge]) {
        const all = Object.values(tallies).reduce((before, one) => before + one.bytes, 0)
        assert.equal(all, sum)
      }
      const records = sizes().reduce(
        (before, one) => before + (one <= 4096 ? 1 : 1 + Math.ceil(one / mib)),
        0,
      )
      await comesTo(() => blocks.stats().entries, records)
    }
    assert.equal(cache.stats().readers, 0)
    await this.close()
  }

  async close(): Promise<void> {
    await this.cache.close()
    try {
      await this.blocks.close()
    } catch (error) {
      // Its process was killed.
      assert.ok(['BLOCKS_IO', 'DISK_CLOSED'].includes((error as { code?: string }).code ?? ''), String(error))
    }
  }

  async #list(prefix: string): Promise<void> {
    const { entries } = await this.cache.list({ prefix })
    const found = entries.map(({ key: one, size }) => ({ key: one, size }))
    const expected = [...this.values.keys()]
      .filter((one) => one.startsWith(prefix) && this.#live(one) !== undefined)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((one) => ({ key: one, size: this.values.get(one)!.bytes.length }))
    if (!this.#evicts) return assert.deepEqual(found, expected)
    const there = new Set(found.map((one) => one.key))
    for (const one of expected) if (!there.has(one.key)) this.values.delete(one.key)
    assert.deepEqual(
      found,
      expected.filter((one) => there.has(one.key)),
    )
  }

  #live(one: string): Value | undefined {
    const value = this.values.get(one)
    return value !== undefined && value.expiresAt > this.#time ? value : undefined
  }

  /** What was evicted once is not there until it is put again. */
  #isEvicted(one: string, found: unknown): boolean {
    if (!this.#evicts || found !== undefined) return false
    this.values.delete(one)
    return true
  }

  #check(one: string, found: Uint8Array | undefined, expected: Buffer | undefined): void {
    if (this.#isEvicted(one, found)) return
    assert.equal(found?.length, expected?.length, `bytes of ${JSON.stringify(one)}`)
    if (found !== undefined)
      assert.equal(Buffer.compare(found, expected!), 0, `${JSON.stringify(one)} is wrong`)
  }
}

async function holds(options: Partial<DiskCacheOptions>, evicts: boolean, steps: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: steps / 4, maxLength: steps }), async (taken) => {
      const world = new World(options, evicts)
      await world.open()
      for (const one of taken) await world.take(one)
      await world.end()
    }),
    { numRuns: 4, seed: Math.floor(random() * 2 ** 31), endOnFailure: false },
  )
}

onBoth('with room enough it does what a map with times does', () => holds({}, false, 60))

onBoth('with little room a value is as it was put, or not there until it is put again', () =>
  holds({}, true, 120),
)

onBoth('with few entries likewise', () => holds({ maxEntries: 3 }, true, 80))
