/**
 * The block of a plain folder or of a shard of a HAMT folder, written byte by byte: the dag-pb library compares each name with others as newly made bytes
 * and wants an object for each CID, which together costs several times what a small file does.
 */
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
  let blockBytes = 1 + varintBytes(data.length) + data.length
  let dagBytes = 0
  const fieldBytes = new Array<number>(sorted.length)
  const nameBytes = new Array<number>(sorted.length)
  for (let at = 0; at < sorted.length; at += 1) {
    const [name, link] = sorted[at]!
    const size = links.size(link)
    const cidBytes = links.cidBytes(link).length
    const ofName = Buffer.byteLength(name)
    const ofFields = 3 + varintBytes(cidBytes) + cidBytes + varintBytes(ofName) + ofName + varintBytes(size)
    nameBytes[at] = ofName
    fieldBytes[at] = ofFields
    blockBytes += 1 + varintBytes(ofFields) + ofFields
    dagBytes += size
  }
  const block = Buffer.allocUnsafe(blockBytes)
  let end = 0
  const writeVarint = (tag: number, value: number): void => {
    block[end] = tag
    varint.encodeTo(value, block, end + 1)
    end += 1 + varintBytes(value)
  }
  for (let at = 0; at < sorted.length; at += 1) {
    const [name, link] = sorted[at]!
    const cid = links.cidBytes(link)
    // dag-pb field 2 of a node is a link; its fields are 1 the CID, 2 the name, 3 the size of the DAG.
    writeVarint(0x12, fieldBytes[at]!)
    writeVarint(0x0a, cid.length)
    block.set(cid, end)
    end += cid.length
    writeVarint(0x12, nameBytes[at]!)
    end += block.write(name, end)
    writeVarint(0x18, links.size(link))
  }
  // Field 1 of a node is its data.
  writeVarint(0x0a, data.length)
  block.set(data, end)
  return { block, dagBytes: Math.min(dagBytes + blockBytes, Number.MAX_SAFE_INTEGER) }
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : varint.encodingLength(value)
}

/** UTF-16 sorts as UTF-8 does unless there are these. */
const surrogates = /[\ud800-\udfff]/

function byUnits([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1
}

function byBytes([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
