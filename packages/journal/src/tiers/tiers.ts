/** Where the blocks of files lie: what a journal needs of the tiers, and what it tells of them. */
import type { CID } from 'multiformats/cid'
import type { CallOptions } from '../journal.ts'

/** Where a block lies. */
export interface BlockPlace {
  /** Tiers that have it. */
  readonly tiers: readonly string[]
  /** Tiers that did not answer. */
  readonly unknown: readonly string[]
  /** Absent if no tier that answered has it. */
  readonly bytes?: number
}

/** What came of the move of a block. */
export interface BlockMove {
  /** `refused`: the tier does not take such a block; `missing`: no tier has it. */
  readonly outcome: 'moved' | 'there' | 'refused' | 'missing'
  readonly bytes: number
}

/** The tiers that blocks can lie in. A journal moves between them only what it is asked to. */
export interface JournalTiers {
  /** Their names, the fastest first. */
  names(): readonly string[]
  /** Where a block lies. Counts as no read of it. Rejects with the reason of the signal. */
  locate(cid: CID, options: CallOptions): Promise<BlockPlace>
  /**
   * Puts a block, verified, into a tier, and takes it out of those above as far as they may forget it. Rejects with what the tier
   * fails with, and the reason of the signal.
   */
  move(cid: CID, tier: string, options: CallOptions): Promise<BlockMove>
}

/** How far a walk over blocks has come. */
export interface BlocksProgress {
  readonly blocks: number
  readonly bytes: number
}

/** Options of calls that go through all blocks at a path. */
export interface BlocksOptions extends CallOptions {
  /** Is told after each block. */
  readonly onProgress?: (progress: BlocksProgress) => void
}

/** What a tier has of a path. */
export interface TierShare {
  readonly tier: string
  readonly blocks: number
  readonly bytes: number
  /** Blocks about which it did not answer. */
  readonly unknown: number
}

/** Where the blocks of a path lie. */
export interface TierReport extends BlocksProgress {
  /** What was looked through. */
  readonly cid: CID
  /** In the order in which the tiers are asked. */
  readonly tiers: readonly TierShare[]
  /** Blocks that no tier has. What lies below is not looked through. */
  readonly missing: number
}

/** What a move did; counts of blocks. */
export interface TierMoveReport extends BlocksProgress {
  readonly cid: CID
  readonly moved: number
  /** That the tier had before. */
  readonly there: number
  /** That the tier does not take, as what is larger than all of a memory. */
  readonly refused: number
  readonly missing: number
}

/** A path that is pinned to a tier. */
export interface TierPin {
  readonly path: string
  readonly tier: string
  /** `moving`: blocks are on their way, or wait for it; `failed`: see `failure`; they are moved later. */
  readonly state: 'moving' | 'moved' | 'failed'
  readonly failure?: Error
  /** Blocks that the tier did not take, as what is larger than all of a memory. */
  readonly refused: number
}
