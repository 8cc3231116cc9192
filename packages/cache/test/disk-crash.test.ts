/** What is there after the power was lost, or the process has died, at any operation of the disk. */
import assert from 'node:assert/strict'
import { type Blocks, openBlocks } from '@ipfs-kit/blocks'
import { type DiskCache, openDiskCache } from '@ipfs-kit/cache/disk'
import { random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { test } from 'vitest'
import { bytesOf, mib } from './disk-ground.ts'

const onBoth = forEachBackend(test, { seeds: 40 })
const keys = ['a', 'b', 'c', 'd', 'e', 'f']
const sizes = [3, 4096, 5000, 20_000, 70_000]

interface Opened {
  readonly blocks: Blocks
  readonly cache: DiskCache
}

async function open(disk: SimDisk): Promise<Opened> {
  const blocks = await openBlocks({ path: '/s', disk, maxBytes: mib, minFreeBytes: 0 })
  try {
    return { blocks, cache: await openDiskCache({ blocks, failureDomain: 'test' }) }
  } catch (error) {
    await closeDead(blocks)
    throw error
  }
}

/** Closes what belongs to a process that is dead. */
async function closeDead(blocks: Blocks): Promise<void> {
  try {
    await blocks.close()
  } catch (error) {
    assert.ok((error as { code?: string }).code?.startsWith('BLOCKS_') === true, String(error))
  }
}

function whole(limit: number): number {
  return Math.floor(random() * limit)
}

/** Values that a key has had, ever; and those that it may have now. */
class History {
  readonly ever = new Map<string, Buffer[]>()
  readonly now = new Map<string, (Uint8Array | undefined)[]>()
  #number = 0

  next(key: string): Buffer {
    const bytes = bytesOf((this.#number += 1), sizes[whole(sizes.length)]!)
    const values = this.ever.get(key) ?? []
    values.push(bytes)
    this.ever.set(key, values)
    return bytes
  }

  /** Runs a call after which a key has a value. If it fails, the key has what it had before, or that. */
  async change(key: string, value: Buffer | undefined, call: Promise<unknown>): Promise<void> {
    this.now.set(key, [...(this.now.get(key) ?? [undefined]), value])
    try {
      await call
      this.now.set(key, [value])
    } catch (error) {
      const { code } = error as { code?: string }
      assert.ok(code === 'STORAGE_CLOSED' || code === 'STORAGE_FULL' || code === 'BLOCKS_IO', String(error))
    }
  }
}

/** One after the other for each key, all keys at once. */
async function live({ cache }: Opened, disk: SimDisk, history: History): Promise<void> {
  await Promise.all(
    keys.map(async (key) => {
      for (let steps = 0; steps < 12 && !disk.dead; steps += 1) {
        const dice = whole(10)
        if (dice < 6) {
          const bytes = history.next(key)
          await history.change(key, bytes, cache.put(key, bytes))
        } else if (dice < 7) await history.change(key, undefined, cache.delete(key))
        else await readOrDie(cache, disk, key, history, dice === 9)
      }
    }),
  )
}

async function readOrDie(
  cache: DiskCache,
  disk: SimDisk,
  key: string,
  history: History,
  touches: boolean,
): Promise<void> {
  try {
    if (touches) await cache.touch(key)
    const found = await cache.getBytes(key)
    assert.ok(found === undefined || history.now.get(key)?.some((bytes) => same(bytes, found)) === true)
  } catch (error) {
    if (!disk.dead) throw error
  }
}

function same(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return Buffer.compare(left, right) === 0
}

/** All that is listed is whole and one of the values that it may be, and nothing else is in the store. */
async function check({ blocks, cache }: Opened, history: History, isSure: boolean): Promise<void> {
  const listed = new Map((await cache.list()).entries.map(({ key, size }) => [key, size]))
  for (const key of keys) {
    const found = await cache.getBytes(key)
    // That the bytes of a record are damaged shows when they are read.
    if (found === undefined) listed.delete(key)
    else {
      assert.equal(found.length, listed.get(key))
      const allowed = isSure ? (history.now.get(key) ?? []) : (history.ever.get(key) ?? [])
      assert.ok(
        allowed.some((bytes) => same(bytes, found)),
        `${key} has a value that it must not have`,
      )
    }
    history.now.set(key, [found])
  }
  const wanted = [...listed.values()].reduce((sum, size) => sum + recordsOf(size), 0)
  let there = -1
  for (let turns = 0; turns < 10_000 && there !== wanted; turns += 1) {
    await sleep(1)
    there = 0
    // A record that the crash has made unreadable cannot be deleted either: it goes with its pack.
    for await (const { key } of blocks.unverified.list())
      if ((await blocks.unverified.get(key)) !== undefined) there += 1
  }
  assert.equal(there, wanted, 'records in the store')
}

function recordsOf(size: number): number {
  return size <= 4096 ? 1 : 1 + Math.ceil(size / 16_384)
}

for (const end of ['crash', 'kill'] as const) {
  onBoth(`after a ${end} at any operation each key has a value of its own, or none`, async () => {
    const history = new History()
    let disk = simDisk({ seed: whole(2 ** 31), faults: { latencyMs: whole(3), slowReads: random() } })
    for (let lives = 0; lives < 3; lives += 1) {
      const opened = await open(disk)
      await check(opened, history, end === 'kill')
      const { dead } = disk
      assert.equal(dead, false)
      if (end === 'crash') disk.crashAt('any', 1 + whole(150))
      // Calls run when it dies.
      const ending = disk
      await taskGroup(async (group) => {
        group.spawn(() => live(opened, ending, history))
        if (end === 'kill') await sleep(whole(150))
        if (end === 'kill') ending.kill()
      })
      disk = end === 'crash' ? disk.crash() : disk.kill()
      await opened.cache.close()
      await closeDead(opened.blocks)
    }
    const opened = await open(disk)
    await check(opened, history, end === 'kill')
    await opened.cache.close()
    await opened.blocks.close()
  })
}

onBoth('an opening that crashes or fails at any operation can be done again', async () => {
  const history = new History()
  let disk = simDisk({ seed: whole(2 ** 31) })
  const opened = await open(disk)
  await live(opened, disk, history)
  disk = disk.kill()
  await opened.cache.close()
  await closeDead(opened.blocks)
  for (let attempts = 0; attempts < 4; attempts += 1) {
    if (attempts % 2 === 0) disk.crashAt('any', 1 + whole(30))
    else disk.failAt('any', 1 + whole(30))
    try {
      const again = await open(disk)
      disk = disk.kill()
      await again.cache.close()
      await closeDead(again.blocks)
    } catch (error) {
      assert.ok(
        ['BLOCKS_IO', 'BLOCKS_CLOSED'].includes((error as { code?: string }).code ?? ''),
        String(error),
      )
      disk = disk.crash()
    }
  }
  const last = await open(disk)
  await check(last, history, false)
  await last.cache.close()
  await last.blocks.close()
})
