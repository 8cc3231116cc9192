/**
 * The whole table: the operations of the parts, of the node itself, and those that are made for agents.
 *
 * @packageDocumentation
 */
import { storeOperations } from '@ipfs-kit/blocks/operations'
import { cacheOperations } from '@ipfs-kit/cache/operations'
import { ipfsOperations } from '@ipfs-kit/ipfs/operations'
import type { TableOf } from '@ipfs-kit/operations'
import { nodeOperations } from './node-operations.ts'
import { storageList, storageStat } from './storage-list.ts'
import { storageRead } from './storage-read.ts'
import { pinSet, storageWrite } from './storage-write.ts'

/** The entries for agents: few, bounded, and with answers that a model can read. */
export const agentOperations = [storageList, storageStat, storageRead, storageWrite, pinSet] as const

export { nodeOperations }

/** All entries. */
export const kitOperations = [
  ...ipfsOperations,
  ...storeOperations,
  ...cacheOperations,
  ...nodeOperations,
  ...agentOperations,
] as const

/** The type of the table, for callers: `Caller<KitTable>`. */
export type KitTable = TableOf<typeof kitOperations>
