/**
 * The block of a plain folder or of a shard of a HAMT folder, written byte by byte: the dag-pb library compares each name with others as newly made bytes
 * and wants an object for each CID, which together costs several times what a small file does.
 */
import { linkSerializedSize } from 'ipfs-unixfs-importer/utils'
import { varint } from 'multiformats'
import { PackedLink } from './block-links.ts'
import type { FolderLink } from './folder-link.ts'

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
  cidBytes: (link) => (link instanceof PackedLink ? link.cidBytes : link.cid.bytes),
  size: ({ dagBytes }) => dagBytes,
}

/** The block with these links and this UnixFS data, and the bytes of all blocks of its DAG. */
export function folderBlock<L>(
  named: readonly (readonly [name: string, link: L])[],
  links: LinkReader<L>,
  data: Uint8Array,
): { readonly block: Uint8Array; readonly dagBytes: number } {
  const sorted = named.toSorted(named.some(([name]) => surrogates.test(name)) ? byBytes : byUnits)
  const nameBytes = sorted.map(([name]) => Buffer.byteLength(name))
  let blockBytes = 1 + varint.encodingLength(data.length) + data.length
  let dagBytes = 0
  for (const [at, [, link]] of sorted.entries()) {
    blockBytes += linkSerializedSize(nameBytes[at]!, links.cidBytes(link).length, links.size(link))
    dagBytes += links.size(link)
  }
  const block = Buffer.allocUnsafe(blockBytes)
  let at = 0
  const writeVarint = (tag: number, value: number): void => {
    block[at] = tag
    varint.encodeTo(value, block, at + 1)
    at += 1 + varint.encodingLength(value)
  }
  for (const [index, [name, link]] of sorted.entries()) {
    const cid = links.cidBytes(link)
    const size = links.size(link)
    const fields =
      3 + [cid.length, nameBytes[index]!, size].reduce((sum, value) => sum + varint.encodingLength(value), 0)
    // dag-pb field 2 of a node is a link; its fields are 1 the CID, 2 the name, 3 the size of the DAG.
    writeVarint(0x12, fields + cid.length + nameBytes[index]!)
    writeVarint(0x0a, cid.length)
    block.set(cid, at)
    at += cid.length
    writeVarint(0x12, nameBytes[index]!)
    at += block.write(name, at)
    writeVarint(0x18, size)
  }
  // Field 1 of a node is its data.
  writeVarint(0x0a, data.length)
  block.set(data, at)
  return { block, dagBytes: Math.min(dagBytes + blockBytes, Number.MAX_SAFE_INTEGER) }
}

/** UTF-16 sorts as UTF-8 does unless there are these. */
const surrogates = /[\ud800-\udfff]/

function byUnits([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1
}

function byBytes([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
