import { type Blocks, createBlocksBackend, openBlocks } from '@ipfs-kit/blocks'
import { createEvent, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type Disk, type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { ListPage, StorageBackend } from '@ipfs-kit/storage'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { expect, test } from 'vitest'
import { blockOf, cidOf, v0Of } from './blocks-of.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const failureDomain = 'volume:test'

function open(disk: Disk = simDisk({ seed: 1 }), maxBytes = 16 * 1024 * 1024): Promise<Blocks> {
  return openBlocks({ path: '/store', disk, maxBytes, packBytes: 65_536 })
}

async function keysOf(backend: StorageBackend, limit?: number): Promise<string[]> {
  const keys: string[] = []
  let page: ListPage | undefined
  do {
    page = await backend.list({
      ...(limit === undefined ? {} : { limit }),
      ...(page?.cursor === undefined ? {} : { cursor: page.cursor }),
    })
    keys.push(...page.entries.map(({ key }) => key))
  } while (page.cursor !== undefined)
  return keys
}

onBoth('has an acknowledged put on the disk when the power is lost', async () => {
  let disk: SimDisk = simDisk({ seed: 3, faults: { latencyMs: 2 } })
  const store = await open(disk)
  const backend = createBlocksBackend(store, { failureDomain })
  const all = Array.from({ length: 30 }, (_, number) => blockOf(number, 3000))
  const acknowledged: typeof all = []
  await taskGroup(async (group) => {
    for (const each of all) {
      group.spawn(async () => {
        try {
          await backend.put(each.cid.toString(), each.bytes)
          acknowledged.push(each)
        } catch {
          // Its power was lost.
        }
      })
    }
    await sleep(20)
    disk = disk.crash()
  })
  try {
    await store.close()
  } catch {
    // Its power was lost.
  }
  await using again = await open(disk)
  for (const { cid, bytes } of acknowledged) expect(await again.get(cid)).toEqual(bytes)
})

onBoth('puts into cache packs when that is asked for', async () => {
  await using store = await open()
  const backend = createBlocksBackend(store, { failureDomain, durability: 'cached' })
  const [plain, absent] = [blockOf(1), blockOf(2)]
  await backend.put(plain.cid.toString(), plain.bytes)
  await backend.put(absent.cid.toString(), absent.bytes, { ifAbsent: true })
  expect(store.stats()).toMatchObject({ keptEntries: 0, cacheEntries: 2, openLeases: 0 })
})

onBoth('refuses bytes that are not those of the key, and keys that cannot be verified', async () => {
  await using store = await open()
  const backend = createBlocksBackend(store, { failureDomain })
  const { cid, bytes } = blockOf(1)
  const code = 'STORAGE_INVALID_KEY'
  await expect(backend.put(cid.toString(), Buffer.from('other'))).rejects.toMatchObject({ code })
  const inline = CID.createV1(0x55, identity.digest(bytes)).toString()
  await expect(backend.put(inline, bytes)).rejects.toMatchObject({ code })
  const unknown = CID.createV1(0x55, {
    code: 0x1e,
    size: 32,
    digest: cid.multihash.digest,
    bytes: Buffer.concat([Buffer.from([0x1e, 32]), cid.multihash.digest]),
  })
  await expect(backend.get(unknown.toString())).rejects.toMatchObject({ code })
})

onBoth(
  'takes all CIDs of a multihash as one object, which list shows by version 1, raw, in base32',
  async () => {
    await using store = await open()
    const backend = createBlocksBackend(store, { failureDomain })
    const { cid, bytes } = blockOf(1)
    const dag = CID.createV1(0x70, cid.multihash)
    const first = v0Of(cid)
    const sha256 = Buffer.from(cid.multihash.digest).toString('hex')
    const told = (key: string) => ({ key, size: bytes.length, version: key, modifiedMs: undefined, sha256 })
    expect(await backend.put(dag.toString(), bytes)).toEqual(told(dag.toString()))
    for (const key of [first.toString(), cid.toString()]) {
      expect(await backend.stat(key)).toEqual(told(key))
    }
    expect(await keysOf(backend)).toEqual([cid.toString()])
    await backend.delete(first.toString())
    expect(await backend.stat(dag.toString())).toBeUndefined()
  },
)

onBoth('lets exactly one of many puts with ifAbsent succeed', async () => {
  await using store = await open(simDisk({ seed: 1, faults: { latencyMs: 2 } }))
  const backend = createBlocksBackend(store, { failureDomain })
  const { cid, bytes } = blockOf(1)
  const outcomes: string[] = []
  await taskGroup(async (group) => {
    for (let count = 0; count < 8; count++) {
      group.spawn(async () => {
        try {
          await backend.put(cid.toString(), bytes, { ifAbsent: true })
          outcomes.push('put')
        } catch (error) {
          outcomes.push((error as { code: string }).code)
        }
      })
    }
  })
  expect(outcomes.sort()).toEqual([...Array<string>(7).fill('STORAGE_EXISTS'), 'put'])
})

onBoth('deletes while other puts of its own are writing', async () => {
  await using store = await open(simDisk({ seed: 1, faults: { latencyMs: 3 } }))
  const backend = createBlocksBackend(store, { failureDomain })
  await taskGroup(async (group) => {
    for (let number = 0; number < 20; number++) {
      group.spawn(async () => {
        const { cid, bytes } = blockOf(number)
        await backend.put(cid.toString(), bytes)
        await backend.delete(cid.toString())
        expect(await backend.stat(cid.toString())).toBeUndefined()
      })
    }
  })
  expect(store.stats().entries).toBe(0)
})

onBoth('says so when a lease of somebody else holds what is to be deleted', async () => {
  await using store = await open()
  const backend = createBlocksBackend(store, { failureDomain })
  const { cid, bytes } = blockOf(1)
  const lease = store.lease()
  await lease.put(cid, bytes)
  await expect(backend.delete(cid.toString())).rejects.toMatchObject({
    code: 'BLOCKS_HELD',
    kind: 'conflict',
  })
  lease.close()
  await backend.delete(cid.toString())
  expect(await store.has(cid)).toBe(false)
})

onBoth('bounds an object, and the bodies that arrive together', async () => {
  await using store = await open()
  const backend = createBlocksBackend(store, { failureDomain, maxValueBytes: 1000, maxArrivingBytes: 1500 })
  const code = 'STORAGE_FULL'
  const tooLarge = blockOf(1, 1001)
  await expect(backend.put(tooLarge.cid.toString(), tooLarge.bytes)).rejects.toMatchObject({ code })
  const [first, second] = [blockOf(2, 1000), blockOf(3, 1000)]
  const [hasBegun, mayEnd] = [createEvent(), createEvent()]
  const slowly = async function* (): AsyncGenerator<Uint8Array> {
    yield first.bytes.subarray(0, 600)
    hasBegun.set()
    await mayEnd.wait()
    yield first.bytes.subarray(600)
  }
  await taskGroup(async (group) => {
    const putting = group.spawn(() => backend.put(first.cid.toString(), slowly()))
    await hasBegun.wait()
    await expect(backend.put(second.cid.toString(), second.bytes)).rejects.toMatchObject({ code })
    mayEnd.set()
    await putting
  })
  await backend.put(second.cid.toString(), second.bytes)
  expect(await keysOf(backend)).toHaveLength(2)
})

onBoth('tells a store that is full, and one that was closed, in the words of the contract', async () => {
  const store = await open(simDisk({ seed: 1 }), 1024 * 1024)
  const backend = createBlocksBackend(store, { failureDomain })
  const filling = async (): Promise<void> => {
    for (let number = 0; number < 40; number++) {
      const { cid, bytes } = blockOf(number, 40_000)
      await backend.put(cid.toString(), bytes)
    }
  }
  await expect(filling()).rejects.toMatchObject({ code: 'STORAGE_FULL' })
  await store.close()
  await expect(backend.stat(blockOf(0).cid.toString())).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
})

onBoth('leaves the store open when it is closed', async () => {
  await using store = await open()
  const backend = createBlocksBackend(store, { failureDomain })
  const { cid, bytes } = blockOf(1)
  await backend.put(cid.toString(), bytes)
  await backend.close()
  expect(await store.get(cid)).toEqual(bytes)
})

onBoth('lists in order of the keys, in pages that fewer looks through the store make up', async () => {
  await using store = await open()
  const all = Array.from({ length: 120 }, (_, number) => blockOf(number))
  for (const { cid, bytes } of all) await store.put(cid, bytes)
  let looks = 0
  const counted = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name === 'list') looks += 1
      return value.bind(target) as unknown
    },
  })
  const backend = createBlocksBackend(counted, { failureDomain })
  const expected = all.map(({ cid }) => cid.toString()).sort()
  expect(await keysOf(backend, 7)).toEqual(expected)
  expect(looks).toBe(1)
})

onBoth('shows in later pages what is put meanwhile, and not what is deleted', async () => {
  await using store = await open()
  const backend = createBlocksBackend(store, { failureDomain })
  const all = Array.from({ length: 30 }, (_, number) => blockOf(number))
  all.sort((left, right) => (left.cid.toString() < right.cid.toString() ? -1 : 1))
  const [late, gone] = [all[20]!, all[25]!]
  for (const each of all) if (each !== late) await backend.put(each.cid.toString(), each.bytes)
  const { cursor } = await backend.list({ limit: 10 })
  await backend.put(late.cid.toString(), late.bytes)
  await store.delete(gone.cid)
  const { entries } = await backend.list({ cursor: cursor! })
  const expected = all.slice(10).filter((each) => each !== gone)
  expect(entries.map(({ key }) => key)).toEqual(expected.map(({ cid }) => cid.toString()))
})

test('refuses options that are none', async () => {
  await using store = await open()
  const make = (options: object) => () => createBlocksBackend(store, { failureDomain, ...options })
  expect(make({ name: '' })).toThrow(TypeError)
  expect(make({ failureDomain: undefined })).toThrow(TypeError)
  expect(make({ durability: 'always' })).toThrow(TypeError)
  expect(make({ maxValueBytes: -1 })).toThrow(RangeError)
  expect(make({ durabilty: 'synced' })).toThrow(TypeError)
  expect(cidOf(Buffer.alloc(0)).version).toBe(1)
})
