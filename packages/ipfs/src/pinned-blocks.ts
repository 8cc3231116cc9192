/** What the pins reach while blocks lie in packs and in files of an older version: a walk over both. */
import { BlocksError, type Claim, createVisited, type Visited } from '@ipfs-kit/blocks'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { IpfsError } from './errors.ts'
import { walkParts } from './walk.ts'

/** Where a walk begins, and how it reads. */
export interface PinnedSource {
  readonly pins: () => Iterable<Claim> | AsyncIterable<Claim>
  /** The verified bytes of a block, wherever it lies. */
  readonly get: (cid: CID) => Promise<Uint8Array | undefined>
}

/**
 * Every block that a pin reaches, those that are missing included. A leaf is not read.
 *
 * @throws BlocksError `BLOCKS_MARK_INCOMPLETE` if an interior block is missing, damaged or not understood
 */
export async function* pinnedBlocks(
  { pins, get }: PinnedSource,
  signal?: AbortSignal,
): AsyncGenerator<CID, void, undefined> {
  const shared = createVisited()
  const limits = { maxBlocks: Number.POSITIVE_INFINITY, maxDepth: Number.POSITIVE_INFINITY }
  for await (const { cid: root, depth = Number.POSITIVE_INFINITY, missing } of pins()) {
    const read = missing === 'skip' ? get : (cid: CID) => mustGet(get, cid, root)
    const source = { get: read, check: async () => {} }
    // Each depth has its own view of what is below: only walks without a limit share what was visited.
    const visited = depth === Number.POSITIVE_INFINITY ? shared : createVisited()
    try {
      const options = { ...limits, depth, visited, ...(signal === undefined ? {} : { signal }) }
      for await (const cids of walkParts(root, source, options)) yield* cids
    } catch (cause) {
      if (!(cause instanceof IpfsError)) throw cause
      throw incomplete(`A block below the pin ${root} cannot be followed (${cause.message})`, cause)
    }
  }
}

/** The blocks that the pins reach, whatever their codec: ask with raw CIDs. */
export async function reachedBlocks(source: PinnedSource, signal?: AbortSignal): Promise<Visited> {
  const reached = createVisited()
  for await (const { multihash } of pinnedBlocks(source, signal))
    reached.add(CID.createV1(rawCode, multihash))
  return reached
}

async function mustGet(get: PinnedSource['get'], cid: CID, root: CID): Promise<Uint8Array> {
  const bytes = await get(cid)
  if (bytes !== undefined) return bytes
  throw incomplete(`The block ${cid} below the pin ${root} is not here, or damaged`)
}

function incomplete(what: string, cause?: unknown): BlocksError {
  return new BlocksError('BLOCKS_MARK_INCOMPLETE', `${what}; nothing was freed`, { cause })
}
