/** What a tiered store can do, by what its tiers can. */
import type { Supports } from '@ipfs-kit/storage'
import type { Parts } from './parts.ts'

/**
 * - `write`: enough stores write. Where values can change, no tier that cannot write stands before one that can: its former
 *   value would be answered.
 * - `delete`: all tiers delete. One that does not would go on answering.
 * - `list`: all stores list. A list with gaps is none.
 * - `ranges`: always; what a tier cannot give is cut out.
 * - `conditionalPut`: a store has it, and decides.
 */
export function supportsOf({ tiers, stores, policy }: Parts): Supports {
  const writable = tiers.map(({ backend }) => backend.supports.write)
  const isPrefix = !writable.some((writes, at) => writes && writable.slice(0, at).includes(false))
  const writingStores = stores.filter(({ backend }) => backend.supports.write)
  const write = writingStores.length >= policy.minCopies && (policy.keys === 'cid' || isPrefix)
  return Object.freeze({
    write,
    delete: tiers.every(({ backend }) => backend.supports.delete),
    list: stores.every(({ backend }) => backend.supports.list),
    ranges: true,
    conditionalPut: writingStores.some(({ backend }) => backend.supports.conditionalPut),
    keys: policy.keys,
  })
}
