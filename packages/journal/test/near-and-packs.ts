/** Two tiers: a small memory before the packs of a store. */
import type { Blocks } from '@ipfs-kit/blocks'
import { sleep } from '@ipfs-kit/concurrency'
import type { Disk } from '@ipfs-kit/disk'
import type { BlockMove, BlockPlace, Journal, JournalOptions, JournalTiers } from '@ipfs-kit/journal'
import type { CID } from 'multiformats/cid'
import { openOn, type Opened } from './open-on.ts'

/** Larger blocks have no room in the memory. */
export const nearBytes = 100_000

export class NearAndPacks implements JournalTiers {
  readonly near = new Map<string, Uint8Array>()
  /** Is called, and waited for, before it answers where a block lies. */
  onLocate: (() => Promise<void>) | undefined
  /** What each call of it fails with. */
  failure: Error | undefined
  readonly #blocks: () => Pick<Blocks, 'get'>

  constructor(blocks: () => Pick<Blocks, 'get'>) {
    this.#blocks = blocks
  }

  names(): readonly string[] {
    return ['near', 'packs']
  }

  async locate(cid: CID): Promise<BlockPlace> {
    await this.onLocate?.()
    const packed = await this.#blocks().get(cid)
    const isNear = this.near.has(cid.toString())
    return {
      tiers: [...(isNear ? ['near'] : []), ...(packed === undefined ? [] : ['packs'])],
      unknown: [],
      ...(packed !== undefined && { bytes: packed.length }),
    }
  }

  async move(cid: CID, tier: string): Promise<BlockMove> {
    if (this.failure !== undefined) throw this.failure
    const key = cid.toString()
    const packed = await this.#blocks().get(cid)
    if (packed === undefined) return { outcome: 'missing', bytes: 0 }
    const bytes = packed.length
    if (tier === 'packs') {
      this.near.delete(key)
      return { outcome: 'there', bytes }
    }
    if (bytes > nearBytes) return { outcome: 'refused', bytes }
    if (this.near.has(key)) return { outcome: 'there', bytes }
    this.near.set(key, packed)
    return { outcome: 'moved', bytes }
  }
}

/** A journal with both tiers; nothing is near as it opens. */
export interface OpenedTiered extends Opened {
  readonly tiers: NearAndPacks
}

export async function openTiered(disk: Disk, options: Partial<JournalOptions> = {}): Promise<OpenedTiered> {
  let opened: Opened | undefined
  const tiers = new NearAndPacks(() => opened!.blocks)
  opened = await openOn(disk, { ...options, tiers })
  return { ...opened, tiers }
}

/** Waits until nothing is on its way. */
export async function settled(journal: Journal): Promise<void> {
  while (journal.tierPins().some(({ state }) => state === 'moving')) await sleep(1)
}
