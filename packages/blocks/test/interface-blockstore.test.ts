/** The IPFS project's own tests of blockstores, on a real folder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Blocks, createHeliaBlockstore, openBlocks } from '@ipfs-kit/blocks'
import type { Blockstore } from 'interface-blockstore'
import { interfaceBlockstoreTests } from 'interface-blockstore-tests'
import { afterEach, beforeEach, describe, it } from 'vitest'

// The suite takes these from the globals of mocha.
Object.assign(globalThis, { describe, it, beforeEach, afterEach })

const opened = new Map<Blockstore, { readonly blocks: Blocks; readonly path: string }>()

interfaceBlockstoreTests({
  async setup() {
    const path = await mkdtemp(join(tmpdir(), 'blocks-'))
    const blocks = await openBlocks({ path })
    const blockstore = createHeliaBlockstore(blocks)
    opened.set(blockstore, { blocks, path })
    return blockstore
  },
  async teardown(blockstore) {
    const { blocks, path } = opened.get(blockstore)!
    await blocks.close()
    await rm(path, { recursive: true })
  },
})
