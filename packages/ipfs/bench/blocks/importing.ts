/** The ways to import: the node, and Helia's importer onto one of the peers' stores. */
import { createOwner } from '@ipfs-kit/concurrency'
import { openIpfs, type AddEntry, type Files } from '@ipfs-kit/ipfs'
import { importer } from 'ipfs-unixfs-importer'
import type { CID } from 'multiformats/cid'
import { createAdd } from '../../src/add.ts'
import { Calls } from '../../src/calls.ts'
import { DroppingStore, openFileStore, SyncedFileStore } from './file-stores.ts'

/** Imports entries under `unixfs-v1-2025` and gives the CID of the root. */
export interface Import extends AsyncDisposable {
  add(entries: Iterable<AddEntry>): Promise<string>
}

/** Opens a way to import into a folder that is not there yet. */
export const openImport: Readonly<Record<string, (path: string) => Promise<Import>>> = {
  /** Durable and pinned when it is answered. */
  node: async (path) => {
    const node = await openIpfs({ path })
    return { add: (entries) => byNode(node.files, entries), [Symbol.asyncDispose]: () => node.close() }
  },
  /** The node's own add into a store that drops its blocks: chunked, hashed, and gone; nothing is synced or recorded. */
  nodeDropped: async () => {
    const owner = createOwner({ name: 'bench' })
    const lease = { put: async () => 'new', hold: async () => true, flush: async () => {}, close() {} }
    const records = { record() {} }
    const parts = { records, blocks: { lease: () => lease }, calls: new Calls(), owner }
    const add = createAdd(parts as unknown as Parameters<typeof createAdd>[0])
    return { add: (entries) => byNode({ add }, entries), [Symbol.asyncDispose]: () => owner.close() }
  },
  /** The importer into a store that drops its blocks. */
  dropped: async () => byImporter(new DroppingStore()),
  unsynced: async (path) => byImporter(await openFileStore(path)),
  synced: async (path) => {
    const store = new SyncedFileStore(path)
    await store.open()
    return byImporter(store)
  },
}

async function byNode(files: Pick<Files, 'add'>, entries: Iterable<AddEntry>): Promise<string> {
  let root: CID | undefined
  for await (const item of files.add(entries, { profile: 'unixfs-v1-2025' })) {
    if ('failed' in item && typeof item.failed === 'object') throw new Error(item.failed.message)
    if ('items' in item) root = item.cid
  }
  return String(root)
}

function byImporter(store: Parameters<typeof importer>[1]): Import {
  return {
    async add(entries) {
      let root: CID | undefined
      // A fresh options object each time: the importer writes into it.
      for await (const entry of importer(candidates(entries), store, { profile: 'unixfs-v1-2025' }))
        root = entry.cid
      return String(root)
    },
    async [Symbol.asyncDispose]() {},
  }
}

function* candidates(entries: Iterable<AddEntry>) {
  for (const { path, content } of entries) if (content !== undefined) yield { path, content }
}
