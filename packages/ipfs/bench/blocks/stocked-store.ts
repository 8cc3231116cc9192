/** A store whose index holds many entries already. */
import { openBlocks, type Blocks } from '@ipfs-kit/blocks'
import { numberedBlocks } from './content.ts'
import { inFlight } from './rounds.ts'
import type { Task } from './row.ts'

/** A store with entries that stay, and a way to empty the rest of it. */
export interface StockedStore extends AsyncDisposable {
  readonly blocks: Blocks
  /** Removes what was put without a lease: the packs that hold it are deleted. */
  clear(): Promise<void>
}

/** Opens a store, and puts `entries` blocks of 32 bytes under a lease that stays open. */
export async function openStockedStore(
  path: string,
  entries: number,
  log: Task['log'],
): Promise<StockedStore> {
  const blocks = await openBlocks({ path })
  const began = performance.now()
  const block = numberedBlocks(32)
  const lease = blocks.lease({ name: 'stock' })
  await inFlight(entries, 256, (number) => {
    const { cid, bytes } = block(number)
    return lease.put(cid, bytes, { verify: 'on-read' })
  })
  await lease.flush()
  log(`${entries} entries put before, in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return {
    blocks,
    async clear() {
      await blocks.collect()
      const left = blocks.stats().entries
      if (left !== entries) throw new Error(`${left} entries are left of ${entries} after collecting`)
    },
    async [Symbol.asyncDispose]() {
      lease.close()
      await blocks.close()
    },
  }
}
