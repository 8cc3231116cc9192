/**
 * Lays the leaves of a file out as a balanced tree, with nodes of our own. The importer's nodes are wrong where a size is
 * from 2 GiB to below 4 GiB: its protobuf writer (protons-runtime 7.1.2) takes the lower half of such a number for a
 * negative one, writes one byte of it and leaves in the other four what was in memory before.
 */
import { code as dagPbCode, encode, prepare, type PBLink } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { balanced, type FileLayout, type Reducer } from 'ipfs-unixfs-importer/layout'
import { varint } from 'multiformats'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { hashBlock } from './codecs.ts'
import type { CidProfile } from './ipfs.ts'

type Leaf = Parameters<Reducer>[0][number]

/** What a layout is made from. */
export interface FileLayoutOptions {
  readonly profile: CidProfile
  /** Path of the file, for what is built. */
  readonly path: string
  readonly put: (cid: CID, bytes: Uint8Array) => CID | Promise<CID>
}

const maxLinks: Readonly<Record<CidProfile, number>> = { 'unixfs-v1-2025': 1024, 'unixfs-v0-2015': 174 }

/** The layout of the profile. */
export function fileLayout({ profile, path, put }: FileLayoutOptions): FileLayout {
  const layout = balanced({ maxChildrenPerNode: maxLinks[profile] })
  return (leaves, reduce) =>
    layout(leaves, (children) => {
      const [first] = children
      // A file of one leaf is that leaf, which the importer sees to.
      return children.length === 1 && first !== undefined && 'single' in first && first.single
        ? reduce(children)
        : join(children)
    })

  async function join(children: readonly Leaf[]): Promise<Leaf> {
    const unixfs = new UnixFS({ type: 'file' })
    const links: PBLink[] = []
    let below = 0
    for (const child of children) {
      const bytes = contentBytes(child)
      if (bytes === 0n) continue
      unixfs.addBlockSize(bytes)
      links.push({ Name: '', Tsize: Number(child.size), Hash: child.cid })
      below += Number(child.size)
    }
    const block = encode(prepare({ Data: fileData(unixfs.blockSizes), Links: links }))
    const cid = CID.create(profile === 'unixfs-v0-2015' ? 0 : 1, dagPbCode, await hashBlock(block))
    await put(cid, block)
    return { cid, path, unixfs, size: BigInt(block.byteLength + below) }
  }
}

/** Bytes of the file that lie in or below a child. */
function contentBytes({ cid, size, unixfs }: Leaf): bigint {
  if (cid.code === raw.code) return BigInt(size)
  return unixfs?.data === undefined ? (unixfs?.fileSize() ?? 0n) : BigInt(unixfs.data.byteLength)
}

/** The UnixFS data of an inner node of a file: type 2 (`File`), field 3 `filesize`, field 4 `blocksizes`, not packed. */
function fileData(blockSizes: readonly bigint[]): Uint8Array {
  const total = blockSizes.reduce((sum, size) => sum + size, 0n)
  const fields = [[0x08, 2], [0x18, Number(total)], ...blockSizes.map((size) => [0x20, Number(size)])] as [
    number,
    number,
  ][]
  const bytes = new Uint8Array(fields.reduce((sum, [, value]) => sum + 1 + varint.encodingLength(value), 0))
  let at = 0
  for (const [tag, value] of fields) {
    bytes[at] = tag
    varint.encodeTo(value, bytes, at + 1)
    at += 1 + varint.encodingLength(value)
  }
  return bytes
}
