/** Opens placements over backends in memory, on simulated disks, with a clock of the wall that goes with the time of the backend. */
import { now, random, sleep } from '@ipfs-kit/concurrency'
import { simDisk, type SimDisk } from '@ipfs-kit/disk'
import {
  openPlacement,
  type ContentHealth,
  type PlacedBackend,
  type Placement,
  type PlacementOptions,
} from '@ipfs-kit/placement'
import { createMemoryBackend, StorageError, type StorageBackend } from '@ipfs-kit/storage'
import { delegate } from '@ipfs-kit/storage/testing'
import { openWal, type Wal, type WalOptions } from '@ipfs-kit/wal'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'
import { hash } from 'node:crypto'
import { keep } from './world.ts'

/** The clock of the wall when the time of the backend is 0. */
export const epochMs = 1_700_000_000_000

/** Bytes by a number, and their CID. */
export function bytesOf(number: number): Buffer {
  return Buffer.from(`content ${number} `.repeat(20))
}

export function cidOf(number: number): string {
  return CID.createV1(raw.code, create(0x12, hash('sha256', bytesOf(number), 'buffer'))).toString()
}

/** A backend whose failures are those that a test wants. */
export interface Faulty extends StorageBackend {
  /** Every call fails. */
  isDown: boolean
  /** Puts change a byte. */
  isLying: boolean
  /** Bytes under a key, without the faults. */
  has(key: string): Promise<boolean>
  /** Other bytes under a key. */
  damage(key: string): Promise<void>
}

export function faulty(name: string): Faulty {
  const inner = createMemoryBackend({ name, failureDomain: name, maxBytes: 1_000_000_000 })
  const check = (): void => {
    if (made.isDown) throw new StorageError('STORAGE_UNAVAILABLE', `${name} is down`)
  }
  const made: Faulty = Object.assign(
    delegate(inner, {
      async put(key, body, options) {
        check()
        return await inner.put(key, made.isLying ? lied(body as AsyncIterable<Uint8Array>) : body, options)
      },
      async get(key, options) {
        check()
        return await inner.get(key, options)
      },
      async probe(options) {
        check()
        return await inner.probe(options)
      },
    }),
    {
      isDown: false,
      isLying: false,
      has: async (key: string) => (await inner.stat(key)) !== undefined,
      damage: async (key: string) => void (await inner.put(key, Buffer.from('other bytes'))),
    },
  )
  return made
}

async function* lied(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of body) yield piece.map((byte) => byte ^ 1)
}

/** What a test works with. */
export interface World extends AsyncDisposable {
  readonly placement: Placement
  readonly wal: Wal
  readonly disk: SimDisk
  readonly backends: Readonly<Record<string, Faulty>>
}

export interface WorldOptions {
  readonly names?: readonly string[]
  readonly backends?: Readonly<Record<string, Faulty>>
  readonly facts?: Readonly<Record<string, Partial<PlacedBackend>>>
  readonly disk?: SimDisk
  readonly placement?: Partial<PlacementOptions>
  readonly wal?: Partial<WalOptions>
}

export function wallClock(): number {
  return epochMs + Math.floor(now())
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const { names = ['a', 'b', 'c'], facts = {} } = options
  const disk = options.disk ?? simDisk({ seed: Math.floor(random() * 2 ** 31) })
  const backends = options.backends ?? Object.fromEntries(names.map((name) => [name, faulty(name)] as const))
  let wal: Wal | undefined
  const placement = await openPlacement({
    path: '/copies',
    disk,
    segmentBytes: 65_536,
    policy: { otherwise: keep(2, 2, 3) },
    backends: Object.values(backends).map((backend) => ({ backend, ...facts[backend.name] })),
    openWal: async (types) =>
      (wal = await openWal({
        ...{
          path: '/log',
          disk,
          segmentBytes: 262_144,
          index: 'memory',
          types,
          clock: wallClock,
          drainMs: 0,
        },
        ...{ retryBaseMs: 10, ...options.wal },
      })),
    verifySharePerDay: 0,
    clock: wallClock,
    ...options.placement,
  })
  return {
    placement,
    wal: wal!,
    disk,
    backends,
    async [Symbol.asyncDispose]() {
      await wal!.close()
      await placement.close()
    },
  }
}

/** Puts content on backends, and adds it. */
export async function addOn(world: World, number: number, ...on: string[]): Promise<string> {
  const cid = cidOf(number)
  for (const name of on) await world.backends[name]!.put(cid, bytesOf(number))
  await world.placement.add({ cid, bytes: bytesOf(number).length, on })
  return cid
}

/** Waits until something is so, and says what is when it does not become so. */
export async function eventually(isSo: () => boolean | Promise<boolean>, what: () => unknown): Promise<void> {
  for (let look = 0; look < 800; look += 1) {
    if (await isSo()) return
    await sleep(look < 300 ? 1 : 10)
  }
  throw new Error(`It did not become so: ${JSON.stringify(what())}`)
}

/** Waits until content is as it is to be. */
export async function until(
  { placement }: World,
  cid: string,
  isSo: (health: ContentHealth) => boolean,
): Promise<ContentHealth> {
  await eventually(
    () => isSo(placement.health(cid)),
    () => [placement.health(cid), placement.stats()],
  )
  return placement.health(cid)
}

export async function untilMet(world: World, cid: string): Promise<ContentHealth> {
  return await until(world, cid, ({ state, missing }) => state === 'met' && missing.length === 0)
}

/** All of it. */
export async function all(items: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const item of items) found.push(item)
  return found.sort()
}
