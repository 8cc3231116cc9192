/** A tiered store in the shape that Helia, the importer and the exporter take. */
import { createHeliaBlockstore, type HeliaBlocks, type HeliaBlockstoreOptions } from '@ipfs-kit/blocks'
import type { Blockstore } from 'interface-blockstore'
import { CID } from 'multiformats/cid'
import type { Tiered } from './tiered.ts'

/** Code of a multihash that holds its content itself. */
const identityCode = 0x00

/**
 * A blockstore of `interface-blockstore` 7 over a tiered store. Every put is verified, and every read. `get` of a block that
 * is nowhere throws the `NotFoundError` of `interface-store`. Blocks that their CID holds itself are answered and not stored.
 *
 * @param store - its keys are CIDs
 * @throws TypeError for a store with other keys and for an unknown option, RangeError for `maxBlockBytes`
 */
export function createTieredBlockstore(store: Tiered, options: HeliaBlockstoreOptions = {}): Blockstore {
  if (store.supports.keys !== 'cid')
    throw new TypeError("The keys of a blockstore are CIDs: give the tiered store keys: 'cid'")
  return createHeliaBlockstore(blocksOf(store), options)
}

function blocksOf(store: Tiered): HeliaBlocks {
  return {
    async put(cid, bytes, options) {
      if (!isInline(cid)) await store.put(cid.toString(), bytes, signalOf(options))
    },
    async *putMany(pairs, options) {
      for await (const { cid, bytes } of pairs) {
        await this.put(cid, bytes, options)
        yield cid
      }
    },
    async get(cid, options) {
      if (isInline(cid)) return cid.multihash.digest
      const bytes = await store.getBytes(cid, signalOf(options))
      // What the store gives out may be shared with its memory; slice() of a Buffer would be no copy.
      return bytes && new Uint8Array(bytes)
    },
    async has(cid, options) {
      return isInline(cid) || store.has(cid.toString(), signalOf(options))
    },
    async delete(cid, options) {
      if (isInline(cid) || !(await this.has(cid, options))) return false
      await store.delete(cid.toString(), signalOf(options))
      return true
    },
    async *list(options) {
      let cursor: string | undefined
      do {
        const page = await store.list({ ...signalOf(options), ...(cursor === undefined ? {} : { cursor }) })
        for (const { key } of page.entries) yield { cid: CID.parse(key) }
        cursor = page.cursor
      } while (cursor !== undefined)
    },
  }
}

function isInline(cid: CID): boolean {
  return cid.multihash.code === identityCode
}

function signalOf(options: { readonly signal?: AbortSignal } | undefined) {
  return options?.signal === undefined ? {} : { signal: options.signal }
}
