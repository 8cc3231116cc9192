/** Gives a file another mode and time: only its root is written anew. */
import type { CID } from 'multiformats/cid'
import { hashBlock } from './codecs.ts'
import { describeNode } from './describe-node.ts'
import { IpfsError } from './errors.ts'
import type { EditFileOptions } from './file-change.ts'
import { joinedPart, leafOf, leafPart, type FilePart } from './file-layout.ts'
import { contradiction, openFile, type OpenedFile } from './file-reader.ts'
import { fileShape } from './file-shape.ts'
import type { CidProfile } from './ipfs.ts'
import { checkMetadata, fileFields, type MetadataChange } from './metadata.ts'

/**
 * Sets or takes away mode and time of a file. A raw block that gets some becomes a node; a node of one block that has none left
 * becomes a raw block where the profile has these. If the file is as an add makes it, the CID is that of an add with the metadata.
 *
 * @throws IpfsError what `get` throws; IPFS_NOT_A_FILE, IPFS_INVALID_NODE
 * @throws RangeError for metadata that UnixFS cannot hold; what `put` throws
 */
export async function setFileMetadata(
  base: CID,
  change: MetadataChange,
  { get, put, profile }: Pick<EditFileOptions, 'get' | 'put' | 'profile'>,
): Promise<FilePart> {
  const shape = fileShape({ ...(profile !== undefined && { profile }) })
  checkMetadata(change)
  const block = await get(base)
  const file = openFile(base, block)
  if (file === undefined) throw new IpfsError('IPFS_NOT_A_FILE', `${base} is not a file`)
  if (change.mode === undefined && change.mtime === undefined)
    return { cid: base, bytes: file.size, dagBytes: describeNode(base, block).dagBytes }
  const data = file.root instanceof Uint8Array ? undefined : file.root.node.Data
  const { block: written, ...part } = await carrying(file, fileFields(data, change), shape.profile)
  await put(part.cid, written)
  return part
}

/** The root of a file with other fields in it; `undefined` are none. */
export async function carrying(
  { cid, root }: OpenedFile,
  metadata: Uint8Array | undefined,
  profile: CidProfile,
): Promise<FilePart & { readonly block: Uint8Array }> {
  if (root instanceof Uint8Array || root.node.Links.length === 0) {
    const chunk = root instanceof Uint8Array ? root : (root.unixfs.data ?? new Uint8Array())
    const leaf = leafOf(chunk, profile, metadata)
    return { ...leafPart(leaf, await hashBlock(leaf.block), profile), block: leaf.block }
  }
  const { node, unixfs } = root
  if (node.Links.length !== unixfs.blockSizes.length) throw contradiction(cid)
  const sizes = unixfs.blockSizes.map(Number)
  return joinedPart({ links: node.Links, sizes, data: unixfs.data, metadata }, profile)
}
