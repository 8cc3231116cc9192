/** What is retained of the oldest cache packs moves to kept ones beside the eviction of younger packs. */
import { createEvent, sim, withBackend } from '@ipfs-kit/concurrency'
import { type Disk, type DiskFile, type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { checkAll, type Dag, dagOf, flood, hereOf, putAll } from './crash/cached-dag.ts'
import { linksOf } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

/** About 190 KiB in three packs of 64 KiB. */
const retained: Dag = dagOf(1, 15_000)
const roots = [retained.root.cid]
const oldest = '/store/cache-00000001.pack'

function opened(disk: Disk): Promise<Blocks> {
  return openOn(disk, {
    claims: () => roots.map((cid) => ({ cid, missing: 'skip' })),
    retained: () => roots,
    links: linksOf,
  })
}

/** A disk that syncs no kept pack until it is told to. */
function heldDisk(disk: SimDisk): { readonly disk: Disk; readonly release: () => void } {
  const released = createEvent({ name: 'kept packs may be synced' })
  const held = (file: DiskFile): DiskFile => ({
    ...file,
    syncNow: () => false,
    sync: async () => {
      await released.wait()
      await file.sync()
    },
  })
  const open: Disk['open'] = async (path, mode) => {
    const file = await disk.open(path, mode)
    return path.includes('/kept-') ? held(file) : file
  }
  return { disk: { ...disk, open }, release: () => released.set() }
}

/** Runs in simulated time, where a wait without end fails. */
async function simulated(run: () => Promise<void>): Promise<void> {
  await withBackend(run, { backend: sim(1) })
}

test('writers do not wait until what is retained has moved', async () => {
  await simulated(async () => {
    const { disk, release } = heldDisk(simDisk({ seed: 1 }))
    await using store = await opened(disk)
    await putAll(store, retained.blocks.toReversed())
    await flood(store, 1000, 600)
    expect(await disk.stat(oldest)).toBeDefined()
    release()
    await flood(store, 2000, 600)
    expect(await disk.stat(oldest)).toBeUndefined()
    await checkAll(store, retained.blocks)
    for (const { cid } of retained.blocks)
      expect(await store.explain(cid)).toMatchObject({ state: 'kept', synced: true })
  })
})

test('no more passes what is retained than blocks that replace nothing and delete nothing', async () => {
  await simulated(async () => {
    const medium = simDisk({ seed: 1 })
    const { disk, release } = heldDisk(medium)
    const store = await opened(disk)
    const { unverified } = store
    for (const key of ['replaced', 'deleted']) await unverified.put(key, Buffer.from('old'))
    await putAll(store, retained.blocks.toReversed())
    await flood(store, 1000, 20)
    await unverified.put('replaced', Buffer.from('new'))
    await flood(store, 1100, 20)
    await unverified.delete('deleted')
    await flood(store, 2000, 600)
    expect(await medium.stat(oldest)).toBeDefined()
    const left = medium.kill()
    release()
    await store.close().catch(() => undefined)
    await using again = await opened(left)
    expect(Buffer.from((await again.unverified.get('replaced'))!).toString()).toBe('new')
    expect(await again.unverified.get('deleted')).toBeUndefined()
    await checkAll(again, retained.blocks)
  })
})

test('what could not move beside others is tried again when nothing else can be dropped', async () => {
  await simulated(async () => {
    const disk = simDisk({ seed: 1 })
    let failures = 0
    const open: Disk['open'] = async (path, mode) => {
      const file = await disk.open(path, mode)
      if (!path.includes('/kept-')) return file
      return {
        ...file,
        writeNow: () => false,
        write: async (buffers, position) => {
          if (failures === 0) {
            failures += 1
            disk.failAt('write', 1)
          }
          await file.write(buffers, position)
        },
      }
    }
    await using store = await opened({ ...disk, open })
    await putAll(store, retained.blocks.toReversed())
    await flood(store, 1000, 1200)
    expect(failures).toBe(1)
    expect(await disk.stat(oldest)).toBeUndefined()
    expect(await hereOf(store, retained.blocks)).toHaveLength(retained.blocks.length)
  })
})
