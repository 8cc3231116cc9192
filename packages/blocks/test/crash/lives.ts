/** Lives of a store, each of which ends in a crash. */
import assert from 'node:assert/strict'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Blocks } from '../../src/blocks.ts'
import type { BlocksOptions } from '../../src/open-blocks.ts'
import { soak } from './amount.ts'
import { checkCollected, checkReopened, checkStore } from './checks.ts'
import { whole } from './made-blocks.ts'
import { type Recorded, World } from './world.ts'

/** How the lives are. */
export interface LivesOptions {
  readonly options?: Partial<BlocksOptions>
  /** Lets something go wrong besides the crash. */
  readonly harm?: (disk: SimDisk) => void
  readonly lives?: number
  readonly steps?: number
}

const seeds = 2 ** 31

/** A store that is opened again after each crash, by power loss in the middle of an operation or by the death of its process. */
export async function liveAndCrash({
  options = {},
  harm,
  // With few seeds longer worlds, with many of them shorter ones: the soak has both.
  lives = soak > 1 ? 3 : 2,
  steps = 7,
}: LivesOptions): Promise<void> {
  const world = new World()
  let disk = simDisk({ seed: whole(seeds) })
  for (let life = 0; life < lives; life += 1) {
    disk = await openAtLast(world, disk, options)
    const store = await world.open(disk, options)
    await checkStore(world, store)
    harm?.(disk)
    if (whole(4) > 0) disk.crashAt('any', 10 + whole(300))
    await world.live(store, disk, steps)
    const next = whole(4) === 0 ? disk.kill() : disk.crash()
    await closeDead(store)
    disk = next
    disk.setFaults(calm)
  }
  const store = await world.open(disk, options)
  await checkStore(world, store)
  await checkReopened(world, store, () => world.open(disk, options))
  const last = await world.open(disk, options)
  await checkCollected(last, world.claims)
  await checkReopened(world, last, () => world.open(disk, options))
  assert.deepEqual(world.wrongs, [])
}

const calm = { readErrors: 0, writeErrors: 0, syncErrors: 0, capacityBytes: 1024 ** 4 }

/** Opening crashes or fails some times, at another place each time. The disk after that. */
async function openAtLast(world: World, disk: SimDisk, options: Partial<BlocksOptions>): Promise<SimDisk> {
  let current = disk
  for (let attempts = whole(3); attempts > 0; attempts -= 1) {
    const crashes = whole(2) === 0
    if (crashes) current.crashAt('any', 1 + whole(40))
    else current.failAt('any', 1 + whole(40))
    let store: Blocks | undefined
    try {
      store = await world.open(current, options)
    } catch (error) {
      assert.ok(
        current.dead || ['BLOCKS_IO', 'DISK_IO'].includes((error as { code?: string }).code ?? ''),
        String(error),
      )
    }
    const next = crashes && whole(2) === 0 ? current.crash() : current.kill()
    if (store !== undefined) await closeDead(store)
    current = next
  }
  return current
}

/** Closes the store of a process that is dead: it ends, whatever it says. */
async function closeDead(store: Blocks): Promise<void> {
  try {
    await store.close()
  } catch (error) {
    assert.equal((error as { name?: string }).name, 'BlocksError', String(error))
  }
}

/** A moment of a life: what is on the disk, and what was promised until then. */
interface Photo {
  readonly disk: SimDisk
  readonly claims: ReadonlyMap<string, Recorded>
}

/** Lives once, and loses the power at many moments of that: between any two operations, in several ways each. */
export async function crashAtManyMoments(
  { options = {}, harm, steps = 9 }: LivesOptions,
  photos: number,
): Promise<number> {
  const world = new World()
  const disk = simDisk({ seed: whole(seeds) })
  const album: Photo[] = []
  const store = await world.open(disk, options)
  harm?.(disk)
  let until = 5
  world.onMoment = () => {
    until -= 1
    if (until > 0 || album.length === photos || disk.dead) return
    // So that they are spread over the life.
    until = 1 + whole(Math.ceil(450 / photos))
    album.push({ disk: disk.copy(whole(seeds)), claims: new Map(world.claims) })
  }
  await world.live(store, disk, steps)
  world.onMoment = undefined
  const next = disk.kill()
  await closeDead(store)
  next.setFaults(calm)
  for (const photo of album) {
    photo.disk.setFaults(calm)
    const after = photo.disk.crash()
    const found = await openAtLast(world, after, options)
    const again = await world.open(found, options, photo.claims)
    await checkStore(world, again, photo.claims)
    if (whole(4) === 0) await checkCollected(again, photo.claims)
    await again.close()
  }
  return album.length
}
