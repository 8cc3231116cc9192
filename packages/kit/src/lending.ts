/** Lends the parts of a kit under the names that entries use. */
import type { Ipfs } from '@ipfs-kit/ipfs'
import type { BorrowedParts } from '@ipfs-kit/operations'
import { KitError } from './errors.ts'
import type { OpenNode } from './node.ts'
import type { Parts } from './parts.ts'

/** The parts of this version of the kit. */
export const ipfsPart = 'ipfs'
export const walPart = 'wal'
export const journalPart = 'journal'

/**
 * What is borrowed for a name that is no part, or no part alone: store and cache go with the part that has them open, and the
 * blocks of the journal are the node's.
 */
const needs: Readonly<Record<string, readonly string[]>> = {
  store: [ipfsPart],
  cache: [ipfsPart],
  [journalPart]: [ipfsPart, journalPart],
}

/**
 * Lends parts to one call or job.
 *
 * @param own - what outlives all parts, such as the node itself: restarting one of them does not cancel the call that does it
 * @throws as `Parts.borrow`
 */
export function lendParts(
  parts: Pick<Parts, 'borrow'>,
  names: readonly string[],
  own: Readonly<Record<string, unknown>> = {},
): BorrowedParts {
  const real = names.filter((name) => !Object.hasOwn(own, name)).flatMap((name) => needs[name] ?? [name])
  const borrowed = parts.borrow([...new Set(real)])
  const open = borrowed.parts[ipfsPart] as OpenNode | undefined
  const inside = open && { ipfs: open.ipfs, store: open.ipfs.store, cache: open.cache }
  return { ...borrowed, parts: { ...borrowed.parts, ...inside, ...own } }
}

/** The node, unless it is not open: the next one asks for all roots before it lets anything go. */
export function ipfsIfOpen(parts: Pick<Parts, 'current'>): Ipfs | undefined {
  try {
    return (parts.current(ipfsPart) as OpenNode).ipfs
  } catch (error) {
    if (error instanceof KitError && ['KIT_PART_UNKNOWN', 'KIT_PART_UNAVAILABLE'].includes(error.code))
      return undefined
    throw error
  }
}
