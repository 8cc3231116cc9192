/**
 * The block of a plain folder: the dag-pb library compares each name with others as newly made bytes and wants an object for each
 * CID, which together costs several times what a small file does.
 */
import { cidBytesOf } from './block-links.ts'
import type { FolderLink } from './folder-link.ts'
import { LinkRecords } from './link-records.ts'

/** The UnixFS data (field 1, type: 1 `Directory`) of a plain folder that carries nothing else. */
export const bareFolder = Uint8Array.of(0x08, 0x01)

/** How the links are kept that a block is made of. */
export interface LinkReader<L> {
  readonly cidBytes: (link: L) => Uint8Array
  /** Bytes of the whole DAG. */
  readonly size: (link: L) => number
}

/** Links that are objects. */
export const linkObjects: LinkReader<FolderLink> = {
  cidBytes: cidBytesOf,
  size: ({ dagBytes }) => dagBytes,
}

/** The block with these links and this UnixFS data, and the bytes of all blocks of its DAG. */
export function folderBlock<L>(
  named: readonly (readonly [name: string, link: L])[],
  links: LinkReader<L>,
  data: Uint8Array,
): { readonly block: Uint8Array; readonly dagBytes: number } {
  const sorted = named.toSorted(named.some(([name]) => surrogates.test(name)) ? byBytes : byUnits)
  const records = new LinkRecords()
  for (const [name, link] of sorted) records.add(name, links.cidBytes(link), links.size(link))
  return records.end(data)
}

/** UTF-16 sorts as UTF-8 does unless there are these. */
const surrogates = /[\ud800-\udfff]/

function byUnits([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1
}

function byBytes([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
