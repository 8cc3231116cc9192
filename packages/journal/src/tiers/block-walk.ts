/** Goes through the blocks of a DAG for what lies where, each once. */
import { map, TaskGroupError } from '@ipfs-kit/concurrency'
import { type GetBlock, walkDag } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { JournalError } from '../errors.ts'
import { storeFailure } from '../failure.ts'
import type {
  BlockMove,
  BlocksOptions,
  JournalTiers,
  TierMoveReport,
  TierReport,
  TierShare,
} from './tiers.ts'

const blocksAtOnce = 16

/** What {@link eachBlock} needs. */
export interface BlockWalk extends BlocksOptions {
  readonly get: GetBlock
  /** Other blocks, and what lies below them, are passed by. Default: none is. */
  readonly within?: ReadonlySet<string> | undefined
}

/** Counts what each tier has of a DAG. */
export async function reportTiers(root: CID, tiers: JournalTiers, walk: BlockWalk): Promise<TierReport> {
  const shares = new Map(tiers.names().map((tier) => [tier, { tier, blocks: 0, bytes: 0, unknown: 0 }]))
  const progress = { blocks: 0, bytes: 0 }
  let missing = 0
  const { signal } = walk
  await eachBlock(root, walk, async (cid) => {
    const place = await tiers.locate(cid, { signal })
    const bytes = place.bytes ?? 0
    for (const tier of place.tiers) addTo(shares, tier, bytes)
    for (const tier of place.unknown) unknownTo(shares, tier)
    if (place.tiers.length + place.unknown.length === 0) missing += 1
    progress.blocks += 1
    progress.bytes += bytes
    walk.onProgress?.({ ...progress })
  })
  return Object.freeze({ cid: root, ...progress, missing, tiers: [...shares.values()] })
}

/** Moves all blocks of a DAG to a tier. */
export async function moveDag(
  root: CID,
  tier: string,
  tiers: JournalTiers,
  walk: BlockWalk,
): Promise<TierMoveReport> {
  const counts: Record<BlockMove['outcome'], number> = { moved: 0, there: 0, refused: 0, missing: 0 }
  const progress = { blocks: 0, bytes: 0 }
  const { signal } = walk
  await eachBlock(root, walk, async (cid) => {
    const { outcome, bytes } = await tiers.move(cid, tier, { signal })
    counts[outcome] += 1
    progress.blocks += 1
    progress.bytes += bytes
    walk.onProgress?.({ ...progress })
  })
  return Object.freeze({ cid: root, ...progress, ...counts })
}

/** @throws JournalError JOURNAL_TIER_UNKNOWN */
export function checkTier(tiers: JournalTiers, tier: string): void {
  const failure = unknownTier(tiers, tier)
  if (failure !== undefined) throw failure
}

/** What there is to say of a tier that is not there. */
export function unknownTier(tiers: JournalTiers, tier: string): JournalError | undefined {
  const names = tiers.names()
  if (names.includes(tier)) return undefined
  return new JournalError(
    'JOURNAL_TIER_UNKNOWN',
    `There is no tier ${JSON.stringify(tier)}; there are ${names.join(', ')}`,
  )
}

async function eachBlock(
  root: CID,
  { get, signal, within }: BlockWalk,
  act: (cid: CID) => Promise<void>,
): Promise<void> {
  const isMeant = (cid: CID): boolean => within === undefined || within.has(cid.toString())
  const source = {
    get: async (cid: CID) => {
      if (!isMeant(cid)) return undefined
      await act(cid)
      return await bytesOf(cid, get, signal)
    },
    check: async (cids: readonly CID[]) =>
      void (await map(cids.filter(isMeant), act, { concurrency: blocksAtOnce })),
  }
  try {
    for await (const _ of walkDag(root, source, signal === undefined ? {} : { signal }));
  } catch (error) {
    throw storeFailure(error instanceof TaskGroupError ? error.errors[0] : error, 'look through blocks')
  }
}

/** What links a block that is nowhere has nobody can tell. */
async function bytesOf(cid: CID, get: GetBlock, signal: AbortSignal | undefined) {
  try {
    return await get(cid, signal)
  } catch (error) {
    if (error instanceof JournalError && error.code === 'JOURNAL_BLOCK_MISSING') return undefined
    throw error
  }
}

type Counted = { -readonly [Key in keyof TierShare]: TierShare[Key] }

function addTo(shares: ReadonlyMap<string, Counted>, tier: string, bytes: number): void {
  const share = shares.get(tier)
  if (share === undefined) return
  share.blocks += 1
  share.bytes += bytes
}

function unknownTo(shares: ReadonlyMap<string, Counted>, tier: string): void {
  const share = shares.get(tier)
  if (share !== undefined) share.unknown += 1
}
