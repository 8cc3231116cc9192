/**
 * Walks a DAG, each block once, so that shared parts and chains of double links cost what they weigh. Interior blocks are
 * read level by level, so that a block is met at its smallest depth; leaves are looked up as soon as they are found.
 *
 * Memory: up to 21 bytes for each block, about 40 for each interior block of a level, and the blocks that are read at once.
 */
import { createCidStack, createVisited, maxInlineBytes, type CidStack, type Visited } from '@ipfs-kit/blocks'
import type { CID } from 'multiformats/cid'
import { isInline, isLeaf, linksOf } from './codecs.ts'
import { IpfsError } from './errors.ts'

/** What a walk needs of the store. Both reject when the block is not there and is not passed by. */
export interface WalkSource {
  /** The verified bytes of an interior block; `undefined` passes it by: what lies below is not visited then. */
  get(cid: CID): Promise<Uint8Array | undefined>
  /** Makes sure that leaves are there, without reading them; at most 64 a call. */
  check(cids: readonly CID[]): Promise<void>
}

/** Options of {@link walkDag}. */
export interface WalkOptions {
  /** Links to follow from the root; 0 is the root alone. Default Infinity. */
  readonly depth?: number
  /** Blocks that need not be visited again; the walk adds what it visits. Default: empty. */
  readonly visited?: Visited
  /** Blocks that it visits before it refuses to go on. Default 33,554,432: 700 MB of memory for what was visited. */
  readonly maxBlocks?: number
  /** Levels that it reads before it refuses to go on. Default 1,048,576. */
  readonly maxDepth?: number
  readonly signal?: AbortSignal
}

const blocksAtOnce = 16
const leavesAtOnce = 64

/**
 * Yields the CID of every block that a root reaches, the root first.
 *
 * @throws IpfsError `IPFS_DAG_TOO_LARGE`, `IPFS_UNKNOWN_CODEC`, `IPFS_INVALID_NODE`; what the source rejects with
 */
export async function* walkDag(
  root: CID,
  source: WalkSource,
  options: WalkOptions = {},
): AsyncGenerator<CID, void, undefined> {
  for await (const cids of walkParts(root, source, options)) for (const cid of cids) yield cid
}

/** The same walk, some blocks a step: for those who need not look at each. */
export async function* walkParts(
  root: CID,
  source: WalkSource,
  options: WalkOptions = {},
): AsyncGenerator<readonly CID[], void, undefined> {
  const { depth = Number.POSITIVE_INFINITY, signal } = options
  const { visited = createVisited(), maxBlocks = 33_554_432, maxDepth = 1_048_576 } = options
  if (!visited.add(root)) return
  if (isLeaf(root) || depth === 0) {
    await checkAll([root], source)
    yield [root]
    return
  }
  let blocks = 1
  let level = createCidStack()
  level.push(root)
  for (let left = depth, levels = 1; level.size > 0; left -= 1, levels += 1) {
    if (levels > maxDepth) throw tooLarge(root, `more than ${maxDepth} levels`)
    const next = createCidStack()
    while (level.size > 0) {
      signal?.throwIfAborted()
      const batch = take(level)
      const read = await allOf(batch.map((cid) => bytesOf(cid, source)))
      for (const [at, cid] of batch.entries()) {
        const leaves: CID[] = []
        const bytes = read[at]
        for (const link of bytes === undefined ? [] : linksOf(cid, bytes)) {
          if (!visited.add(link)) continue
          blocks += 1
          if (left >= 2 && !isLeaf(link)) next.push(link)
          else leaves.push(link)
        }
        if (blocks > maxBlocks) throw tooLarge(root, `more than ${maxBlocks} blocks`)
        await checkAll(leaves, source, signal)
        yield [cid, ...leaves]
      }
    }
    level = next
  }
}

function take(level: CidStack): CID[] {
  const cids: CID[] = []
  while (cids.length < blocksAtOnce) {
    const cid = level.pop()
    if (cid === undefined) break
    cids.push(cid)
  }
  return cids
}

async function bytesOf(cid: CID, source: WalkSource): Promise<Uint8Array | undefined> {
  if (!isInline(cid)) return source.get(cid)
  const bytes = cid.multihash.digest
  if (bytes.length <= maxInlineBytes) return bytes
  // They can lie in each other, each almost as long as the block around all of them.
  throw new IpfsError(
    'IPFS_INVALID_NODE',
    `An inline block has ${bytes.length} bytes; links are followed in ${maxInlineBytes} at most`,
  )
}

async function checkAll(leaves: readonly CID[], source: WalkSource, signal?: AbortSignal): Promise<void> {
  for (let from = 0; from < leaves.length; from += leavesAtOnce) {
    signal?.throwIfAborted()
    await source.check(leaves.slice(from, from + leavesAtOnce).filter((cid) => !isInline(cid)))
  }
}

/** The results of all, when all have ended; the first failure if there is one. */
async function allOf<T>(promises: readonly (Promise<T> | T)[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises)
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}

function tooLarge(root: CID, what: string): IpfsError {
  return new IpfsError('IPFS_DAG_TOO_LARGE', `The DAG ${root} has ${what}`)
}
