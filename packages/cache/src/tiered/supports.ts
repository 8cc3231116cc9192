/** What a tiered store can do, by what its tiers can. */
import type { Supports } from '@ipfs-kit/storage'
import type { Parts } from './parts.ts'

/**
 * - `write`: enough stores write, and all tiers in which values can change do. The former value of one that does not would
 *   be answered.
 * - `delete`: all tiers delete. One that does not would go on answering.
 * - `list`: all stores list. A list with gaps is none.
 * - `ranges`: always; what a tier cannot give is cut out.
 * - `conditionalPut`: a store has it, and decides.
 * - `conditionalReplace`: never. Each tier has versions of its own.
 */
export function supportsOf({ tiers, stores, policy }: Parts): Supports {
  const { keys } = policy
  const changes = tiers.filter(({ backend }) => keys === 'any' && backend.supports.keys === 'any')
  const writingStores = stores.filter(({ backend }) => backend.supports.write)
  const write =
    writingStores.length >= policy.minCopies && changes.every(({ backend }) => backend.supports.write)
  return Object.freeze({
    write,
    delete: tiers.every(({ backend }) => backend.supports.delete),
    list: stores.every(({ backend }) => backend.supports.list),
    ranges: true,
    conditionalPut: writingStores.some(({ backend }) => backend.supports.conditionalPut),
    conditionalReplace: false,
    keys,
  })
}
