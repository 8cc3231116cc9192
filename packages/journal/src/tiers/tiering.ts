/** The calls of a journal that are about tiers. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { JournalError } from '../errors.ts'
import type { CallOptions } from '../journal.ts'
import type { LoggedTree } from '../logged-tree.ts'
import { planTier } from '../marks/plan-marks.ts'
import { parsePath } from '../path.ts'
import { checkTier, moveDag, reportTiers } from './block-walk.ts'
import { TierPins } from './tier-pins.ts'
import type { BlocksOptions, JournalTiers, TierMoveReport, TierPin, TierReport } from './tiers.ts'

/** What the calls need. */
export interface TieringOptions {
  readonly tree: LoggedTree
  readonly tiers: JournalTiers | undefined
  readonly owner: Owner
  /** The CID of what is at a path, written. */
  readonly flush: (path: string, options: CallOptions) => Promise<CID>
}

export class Tiering {
  readonly #options: TieringOptions
  readonly #pins: TierPins | undefined

  constructor(options: TieringOptions) {
    this.#options = options
    const { tiers } = options
    this.#pins = tiers && new TierPins({ ...options, tiers })
  }

  async tiersOf(path: string, options: BlocksOptions): Promise<TierReport> {
    const { tree, flush } = this.#options
    const tiers = this.#tiers()
    const cid = await flush(path, options)
    using _held = tree.held.hold([cid])
    return await reportTiers(cid, tiers, { ...options, get: tree.get })
  }

  async moveTo(path: string, tier: string, options: BlocksOptions): Promise<TierMoveReport> {
    const { tree, flush } = this.#options
    const tiers = this.#tiers()
    checkTier(tiers, tier)
    const cid = await flush(path, options)
    using _held = tree.held.hold([cid])
    return await moveDag(cid, tier, tiers, { ...options, get: tree.get })
  }

  async pin(path: string, tier: string | undefined, { signal }: CallOptions): Promise<void> {
    const tiers = this.#tiers()
    const names = parsePath(path)
    if (tier !== undefined) checkTier(tiers, tier)
    await this.#options.tree.change([names], (tree) => planTier(tree, names, tier), signal)
  }

  pins(): readonly TierPin[] {
    this.#tiers()
    return this.#pins!.list()
  }

  #tiers(): JournalTiers {
    this.#options.tree.checkOpen()
    const { tiers } = this.#options
    if (tiers !== undefined) return tiers
    throw new JournalError('JOURNAL_NO_TIERS', 'The journal was opened without tiers')
  }
}
