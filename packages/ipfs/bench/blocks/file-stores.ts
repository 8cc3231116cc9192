/** The peers: Helia's file blockstore as it is, with a sync for each block, and a store that drops what it is given. */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { BaseBlockstore } from 'blockstore-core'
import { FsBlockstore } from 'blockstore-fs'
import { NextToLast } from 'blockstore-fs/sharding'
import type { CID } from 'multiformats/cid'

/** The store's own default. */
const sharding = new NextToLast()

type Value = Parameters<FsBlockstore['put']>[1]
type PutOptions = Parameters<FsBlockstore['put']>[2]

/** An opened file blockstore with its defaults. It never syncs. */
export async function openFileStore(path: string): Promise<FsBlockstore> {
  const store = new FsBlockstore(path)
  await store.open()
  return store
}

/** The same, all of whose folders are there: as one that has been used. */
export async function openUsedFileStore(path: string): Promise<FsBlockstore> {
  const store = await openFileStore(path)
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.split('')
  // The names that `sharding` can give: two letters of base32.
  for (const first of letters) await Promise.all(letters.map((last) => mkdir(join(path, first + last))))
  return store
}

/** A file blockstore that syncs the data of each block before its put resolves; folders are not synced. */
export class SyncedFileStore extends FsBlockstore {
  override async put(cid: CID, value: Value, options?: PutOptions): Promise<CID> {
    await super.put(cid, value, options)
    const { dir, file } = sharding.encode(cid)
    const handle = await open(join(this.path, dir, file), 'r+')
    try {
      await handle.datasync()
    } finally {
      await handle.close()
    }
    return cid
  }
}

/** Takes every block and keeps none. */
export class DroppingStore extends BaseBlockstore {
  override async put(cid: CID): Promise<CID> {
    return cid
  }
}

/** Reads a block to its end and gives its number of bytes. */
export async function drain(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of chunks) bytes += chunk.byteLength
  return bytes
}
