/** Walks a DAG, each block once, so that shared parts and chains of double links cost what they weigh. */
import type { CID } from 'multiformats/cid'
import { type BlockKey, keyOf } from './block-files.ts'
import { isInline, isLeaf, linksOf } from './codecs.ts'

/** What a walk needs of the store. Both reject when the block is not there. */
export interface WalkSource {
  /** The verified bytes of an interior block. */
  get(cid: CID): Promise<Uint8Array>
  /** Makes sure that a leaf is there, without reading it. */
  check(cid: CID): Promise<void>
}

/** Options of {@link walkDag}. */
export interface WalkOptions {
  /** Links to follow from the root; 0 is the root alone. Default Infinity. */
  readonly depth?: number
  /** Blocks that need not be visited again; the walk adds what it visits. Default: empty. */
  readonly visited?: Set<BlockKey>
  readonly signal?: AbortSignal
}

const concurrency = 16

/**
 * Yields the CID of every block that a root reaches, the root first, level by level, so that a block is met first at its
 * smallest depth. Memory: a key for each block.
 */
export async function* walkDag(
  root: CID,
  source: WalkSource,
  options: WalkOptions = {},
): AsyncGenerator<CID, void, undefined> {
  const visited = options.visited ?? new Set<BlockKey>()
  const depth = options.depth ?? Number.POSITIVE_INFINITY
  let level = fresh([root], visited)
  for (let at = 0; level.length > 0 && at <= depth; at += 1) {
    const next: CID[] = []
    for (let from = 0; from < level.length; from += concurrency) {
      options.signal?.throwIfAborted()
      const batch = level.slice(from, from + concurrency)
      const links = await Promise.all(batch.map((cid) => visit(cid, source, at < depth)))
      for (const found of links) for (const cid of fresh(found, visited)) next.push(cid)
      yield* batch
    }
    level = next
  }
}

async function visit(cid: CID, source: WalkSource, follow: boolean): Promise<CID[]> {
  if (isInline(cid)) return follow ? linksOf(cid, cid.multihash.digest) : []
  if (isLeaf(cid) || !follow) {
    await source.check(cid)
    return []
  }
  return linksOf(cid, await source.get(cid))
}

/** Those not visited yet, each once; they count as visited from here on. */
function fresh(cids: readonly CID[], visited: Set<BlockKey>): CID[] {
  return cids.filter((cid) => {
    const key = walkKeyOf(cid)
    if (visited.has(key)) return false
    visited.add(key)
    return true
  })
}

/** The same bytes under another codec have other links: the codec belongs to what was visited. */
function walkKeyOf(cid: CID): BlockKey {
  return isLeaf(cid) ? keyOf(cid) : `${cid.code}:${keyOf(cid)}`
}
