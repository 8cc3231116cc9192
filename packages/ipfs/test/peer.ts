/** The ecosystem's importer straight onto a memory blockstore: what our CIDs are compared with. */
import type { AddEntry, CidProfile } from '@ipfs-kit/ipfs'
import { MemoryBlockstore } from 'blockstore-core/memory'
import { importer, type ImportCandidate } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import type { CID } from 'multiformats/cid'

export interface PeerOptions {
  readonly profile: CidProfile
  readonly chunkBytes?: number
  readonly wrap?: boolean
}

/** The CIDs that the importer gives, by path. The root is the last one. */
export async function peerCids(
  entries: readonly AddEntry[],
  options: PeerOptions,
): Promise<Map<string, CID>> {
  const candidates = entries.map(({ path, content }): ImportCandidate =>
    content === undefined ? { path } : { path, content },
  )
  const cids = new Map<string, CID>()
  const { profile, chunkBytes, wrap = false } = options
  const imported = importer(candidates, new MemoryBlockstore(), {
    profile,
    wrapWithDirectory: wrap,
    ...(chunkBytes === undefined ? {} : { chunker: fixedSize({ chunkSize: chunkBytes }) }),
  })
  for await (const { path, cid } of imported) cids.set(path ?? '', cid)
  return cids
}

/** The root that the importer gives. */
export async function peerRoot(entries: readonly AddEntry[], options: PeerOptions): Promise<string> {
  return String([...(await peerCids(entries, options)).values()].at(-1))
}
