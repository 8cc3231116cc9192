/** The part of a kit that is its node: the node itself, with the cache that it reads through. */
import type { Ipfs, Root } from '@ipfs-kit/ipfs'
import type { CachePart } from '@ipfs-kit/cache/operations'
import type { Config } from './config.ts'

/** A node, open. */
export interface OpenNode extends AsyncDisposable {
  readonly ipfs: Ipfs
  readonly cache: CachePart
}

/** What a node is opened with. */
export interface NodeOptions {
  /** Path of the home. */
  readonly path: string
  readonly config: Config
  /** What the journal has, and what unfinished jobs need: neither collected nor evicted. */
  readonly roots: () => AsyncIterable<Root>
}

/** Opens the node of a home. Throws what `openIpfs` throws. */
export async function openNode({ path, config, roots }: NodeOptions): Promise<OpenNode> {
  // The heavy part of starting: who only joins a server does not pay for it.
  const [{ openIpfs }, { createNodeCache }] = await Promise.all([
    import('@ipfs-kit/ipfs'),
    import('./node-cache.ts'),
  ])
  const { maxBytes, minFreeBytes } = config.blocks
  let cache: CachePart | undefined
  const ipfs = await openIpfs({
    path,
    maxBlockBytes: config.limits.maxBlockBytes,
    roots,
    // As a job, that the log of operations begins.
    migrates: 'when-run',
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(minFreeBytes === undefined ? {} : { minFreeBytes }),
    cache: (packs, linksOf) => {
      const made = createNodeCache(packs, linksOf, config.cache)
      cache = made.part
      return made
    },
  })
  // openIpfs makes its cache before it resolves.
  return { ipfs, cache: cache!, [Symbol.asyncDispose]: () => ipfs.close() }
}
