/** A small store on a simulated disk, and what its opener finds of it. */
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { type Block, numbered } from './made-blocks.ts'
import { bytesOf, folder, openOn } from './open-store.ts'

/** A block and where its frame lies, without padding. */
export interface Lying extends Block {
  readonly begin: number
  readonly end: number
}

/** A store of 100 small blocks, of which 50 are kept, and 5 records. */
export interface Stored {
  readonly disk: SimDisk
  readonly kept: readonly Lying[]
  readonly cached: readonly Lying[]
  readonly files: readonly { readonly path: string; readonly bytes: Buffer }[]
}

export const records = new Map([1, 2, 3, 4, 5].map((at) => [`record ${at}`, Buffer.from(`value ${at}`)]))
const calm = { shortWrites: 0, slowReads: 0 }

/** The store, after it was closed or its process was killed. */
export async function smallStore(closed: boolean): Promise<Stored> {
  let disk = simDisk({ seed: 1, faults: calm })
  const store = await openOn(disk)
  const lease = store.lease()
  const lying = async (block: Block): Promise<Lying> => {
    const { offset } = await store.explain(block.cid)
    return { ...block, begin: offset!, end: offset! + 58 + block.bytes.length }
  }
  const kept: Lying[] = []
  const cached: Lying[] = []
  for (let at = 0; at < 50; at += 1) {
    const block = numbered(at, 4 + (at % 20))
    await lease.put(block.cid, block.bytes)
    kept.push(await lying(block))
  }
  await lease.flush()
  lease.close()
  for (let at = 0; at < 50; at += 1) {
    const block = numbered(100 + at, 4 + (at % 20))
    await store.put(block.cid, block.bytes)
    cached.push(await lying(block))
  }
  for (const [key, value] of records) await store.unverified.put(key, value)
  if (closed) await store.close()
  const after = disk.kill()
  if (!closed) await store.close().catch(() => undefined)
  disk = after
  const files = []
  for (const { name } of await disk.list(folder)) {
    const path = `${folder}/${name}`
    // It was left long ago: all of it is on the medium.
    const file = await disk.open(path, 'write')
    await file.sync()
    await file.close()
    if (name !== 'lock') files.push({ path, bytes: await bytesOf(disk, path) })
  }
  await disk.syncFolder(folder)
  return { disk, kept, cached, files }
}
