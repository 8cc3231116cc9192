/**
 * The whole table: the operations of the parts, of the node itself, and those that are made for agents.
 *
 * @packageDocumentation
 */
import { storeOperations } from '@ipfs-kit/blocks/operations'
import { cacheOperations } from '@ipfs-kit/cache/operations'
import { credentialsOperations } from '@ipfs-kit/credentials/operations'
import { ipfsOperations } from '@ipfs-kit/ipfs/operations'
import { journalOperations } from '@ipfs-kit/journal/operations'
import type { AnyOperation, TableOf } from '@ipfs-kit/operations'
import { walOperations } from '@ipfs-kit/wal/operations'
import { jobEntries } from './job-entries.ts'
import { nodeOperations } from './node-operations.ts'
import { storageList, storageStat } from './storage-list.ts'
import { storageRead } from './storage-read.ts'
import { pinSet, storageWrite } from './storage-write.ts'

/** The entries for agents: few, bounded, and with answers that a model can read. */
export const agentOperations = [storageList, storageStat, storageRead, storageWrite, pinSet] as const

export { nodeOperations }

/** All entries. */
export const kitOperations = [
  ...withJobs([...ipfsOperations, ...storeOperations]),
  ...cacheOperations,
  ...walOperations,
  ...journalOperations,
  ...credentialsOperations,
  ...nodeOperations,
  ...agentOperations,
] as const

/** The type of the table, for callers: `Caller<KitTable>`. */
export type KitTable = TableOf<typeof kitOperations>

type JobEntry = (typeof jobEntries)[number]

/** The entries, those whose work is a job in the place of what they are made of. */
function withJobs<Entry extends AnyOperation>(
  entries: readonly Entry[],
): readonly (Exclude<Entry, { readonly name: JobEntry['name'] }> | JobEntry)[] {
  const jobs = new Map<string, JobEntry>(jobEntries.map((entry) => [entry.name, entry]))
  return entries.map(
    (entry) => jobs.get(entry.name) ?? (entry as Exclude<Entry, { readonly name: JobEntry['name'] }>),
  )
}
