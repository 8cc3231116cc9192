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

/** The calls of a journal that are about tiers. */
export interface TieredFiles {
  /**
   * Tells where the blocks at a path lie. Writes a folder that has changed first, as `flush`. All blocks are asked about, none is
   * read but those with links. It is about what is there as it begins, which stays until it ends.
   *
   * @throws JournalError JOURNAL_NO_TIERS without the option `tiers`; JOURNAL_INVALID_DAG for what cannot be walked; as `flush`
   */
  tiersOf(path: string, options?: BlocksOptions): Promise<TierReport>
  /**
   * Moves all blocks at a path to a tier, and out of those above as far as these may forget them. A tier that is a cache, as memory
   * is, may have forgotten some by the time this resolves: {@link tiersOf} tells.
   *
   * @throws JournalError JOURNAL_TIER_UNKNOWN; as {@link tiersOf}; what the tier fails with
   */
  moveTo(path: string, tier: string, options?: BlocksOptions): Promise<TierMoveReport>
  /**
   * Pins what is at a path, and below it, to a tier, until {@link unpinFromTier}: its blocks are moved there beside other calls, now,
   * after each change that brings new ones, and once after each opening. The pin goes with the path when it is moved, and ends when it
   * is removed; a copy has none. A pin in another one counts there. Resolves when the pin is in the log.
   *
   * @throws JournalError JOURNAL_NO_TIERS, JOURNAL_TIER_UNKNOWN, JOURNAL_NOT_FOUND, JOURNAL_TOO_LARGE, JOURNAL_FULL, JOURNAL_FAILED
   */
  pinToTier(path: string, tier: string, options?: CallOptions): Promise<void>
  /** Its blocks stay where they are. @throws JournalError JOURNAL_NO_TIERS, JOURNAL_NOT_FOUND */
  unpinFromTier(path: string, options?: CallOptions): Promise<void>
  /** The paths that are pinned to tiers, by their names. @throws JournalError JOURNAL_NO_TIERS */
  tierPins(): readonly TierPin[]
}
