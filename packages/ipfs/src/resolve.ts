/** Follows a content path through folders, HAMT folders and IPLD maps to what it names. */
import { code as dagPbCode } from '@ipld/dag-pb'
import { run } from '@ipfs-kit/concurrency'
import type { Blockstore } from 'interface-blockstore'
import { CID } from 'multiformats/cid'
import { decodeBlock, isLeaf } from './codecs.ts'
import { parseContentPath } from './content-path.ts'
import { IpfsError } from './errors.ts'
import { lookUp } from './folder-lookup.ts'

/** Where a path ends. */
export interface Resolved {
  readonly cid: CID
  /** The last name of the path, or the CID as text. */
  readonly name: string
  /** Names that lead to a value inside the block of `cid`; empty where the path ends at the block itself. */
  readonly inner: readonly string[]
}

/**
 * Resolves a content path.
 *
 * @throws IpfsError IPFS_INVALID_CID, IPFS_INVALID_PATH, IPFS_BLOCK_NOT_FOUND, IPFS_PATH_NOT_FOUND, IPFS_INVALID_NODE
 */
export async function resolvePath(path: string, blocks: Blockstore, signal: AbortSignal): Promise<Resolved> {
  const { cid: root, names } = parseContentPath(path)
  const name = names.at(-1) ?? root.toString()
  let cid = root
  let left = names
  while (left.length > 0) {
    const [first = '', ...rest] = left
    if (cid.code === dagPbCode) {
      cid = await linkIn(cid, first, blocks, signal)
      left = rest
      continue
    }
    const step = isLeaf(cid) ? undefined : await throughNode(cid, left, blocks, signal)
    if (step === undefined) throw notFound(first, cid)
    if (step.link === undefined) return { cid, name, inner: left }
    cid = step.link
    left = step.left
  }
  return { cid, name, inner: [] }
}

/** The value at names inside a node; `undefined` when there is none. */
export function valueAt(value: unknown, names: readonly string[]): { readonly value: unknown } | undefined {
  let current = value
  for (const name of names) {
    if (typeof current !== 'object' || current === null || !hasEntry(current, name)) return undefined
    current = (current as Record<string, unknown>)[name]
  }
  return { value: current }
}

/** Whether a map or a list of the IPLD data model has such an entry. Bytes have none, and a list has no `length`. */
function hasEntry(value: object, name: string): boolean {
  if (value instanceof Uint8Array || (Array.isArray(value) && !/^\d+$/.test(name))) return false
  return Object.hasOwn(value, name)
}

/** The CID of a named entry of a UnixFS folder. */
async function linkIn(cid: CID, name: string, blocks: Blockstore, signal: AbortSignal): Promise<CID> {
  try {
    const link = await lookUp(cid, name, (block) => readBlock(block, blocks, signal))
    if (link !== undefined) return link.cid
  } catch (error) {
    if (!(error instanceof IpfsError) || error.code !== 'IPFS_NOT_A_DIRECTORY') throw error
  }
  throw notFound(name, cid)
}

interface NodeStep {
  /** The block that the path goes on in; `undefined` when it ends inside the node. */
  readonly link: CID | undefined
  readonly left: readonly string[]
}

/** Follows names inside one IPLD node up to its first link. */
async function throughNode(
  cid: CID,
  names: readonly string[],
  blocks: Blockstore,
  signal: AbortSignal,
): Promise<NodeStep | undefined> {
  let current = decodeBlock(cid, await readBlock(cid, blocks, signal))
  for (const [index, name] of names.entries()) {
    const inner = valueAt(current, [name])
    if (inner === undefined) return undefined
    const link = CID.asCID(inner.value)
    if (link !== null) return { link, left: names.slice(index + 1) }
    current = inner.value
  }
  return { link: undefined, left: [] }
}

/**
 * The bytes of a block from the shape in which Helia's stores give them. At the signal, or when the scope of the caller is
 * cancelled, it rejects at once, also if the store never answers.
 */
export async function readBlock(
  cid: CID,
  blocks: Pick<Blockstore, 'get'>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return await run(bytesOf(cid, blocks, signal), { signal })
}

async function bytesOf(cid: CID, blocks: Pick<Blockstore, 'get'>, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of blocks.get(cid, { signal })) chunks.push(chunk)
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
}

function notFound(name: string, cid: CID): IpfsError {
  return new IpfsError('IPFS_PATH_NOT_FOUND', `There is no ${JSON.stringify(name)} in ${cid}`)
}
