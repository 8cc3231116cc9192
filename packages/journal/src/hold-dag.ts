/** Takes a DAG that somebody names by its CID: all its blocks have to be there, and are held. */
import type { Lease } from '@ipfs-kit/blocks'
import { describeNode, type GetBlock, walkDag } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { JournalError } from './errors.ts'
import type { StepOf } from './record.ts'

/** What a step that puts it says of it. */
export type HeldDag = Omit<StepOf<'put'>, 'step' | 'path'>

/** Options of {@link holdDag}. */
export interface HoldDagOptions {
  readonly get: GetBlock
  readonly put: (cid: CID, bytes: Uint8Array) => Promise<unknown>
  readonly lease: Lease
  readonly signal?: AbortSignal | undefined
}

/** The same for a DAG that the caller has chosen. @throws JournalError JOURNAL_CONTENT_MISSING; as {@link holdDag} */
export async function holdContent(cid: CID, options: HoldDagOptions): Promise<HeldDag> {
  try {
    return await holdDag(cid, options)
  } catch (cause) {
    if (!(cause instanceof JournalError && cause.code === 'JOURNAL_BLOCK_MISSING')) throw cause
    // Of the tree nothing is lost.
    throw new JournalError('JOURNAL_CONTENT_MISSING', `Not all of ${cid} is here: ${cause.message}`, {
      cause,
    })
  }
}

/**
 * Looks through all blocks of a DAG and holds them with the lease.
 *
 * @throws JournalError JOURNAL_BLOCK_MISSING; IpfsError for what cannot be walked
 */
export async function holdDag(cid: CID, { get, put, lease, signal }: HoldDagOptions): Promise<HeldDag> {
  const held = async (one: CID): Promise<Uint8Array> => {
    const bytes = await get(one, signal)
    await put(one, bytes)
    return bytes
  }
  const holdLeaf = async (leaf: CID): Promise<void> => {
    if (!(await lease.hold(leaf, signal === undefined ? {} : { signal }))) await held(leaf)
  }
  const check = async (leaves: readonly CID[]): Promise<void> => {
    for (const leaf of leaves) await holdLeaf(leaf)
  }
  for await (const _ of walkDag(cid, { get: held, check }, signal === undefined ? {} : { signal }));
  const { kind, dagBytes } = describeNode(cid, await get(cid, signal))
  return { ...(kind === 'file' ? {} : { kind }), cid, dagBytes }
}
