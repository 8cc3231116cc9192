/** The IPFS project's own tests of blockstores. */
import { createMemoryTier, createTieredBlockstore, tiered, type Tiered } from '@ipfs-kit/cache/tiered'
import { createMemoryBackend } from '@ipfs-kit/storage'
import type { Blockstore } from 'interface-blockstore'
import { interfaceBlockstoreTests } from 'interface-blockstore-tests'
import { afterEach, beforeEach, describe, it } from 'vitest'

// The suite takes these from the globals of mocha.
Object.assign(globalThis, { describe, it, beforeEach, afterEach })

const opened = new Map<Blockstore, Tiered>()
const maxBytes = 64 * 1024 * 1024

interfaceBlockstoreTests({
  async setup() {
    const tiers = [createMemoryTier({ maxBytes }), createMemoryBackend({ maxBytes, name: 'store' })]
    const store = tiered(tiers, { keys: 'cid' })
    const blockstore = createTieredBlockstore(store)
    opened.set(blockstore, store)
    return blockstore
  },
  async teardown(blockstore) {
    await opened.get(blockstore)!.close()
  },
})
