/** Lends the parts of a kit under the names that entries use. */
import type { BorrowedParts } from '@ipfs-kit/operations'
import type { OpenNode } from './node.ts'
import type { Parts } from './parts.ts'

/** The parts of this version of the kit. */
export const ipfsPart = 'ipfs'
export const walPart = 'wal'

/** Store and cache are parts of the part that has them open, and go with it. */
const within: Readonly<Record<string, string>> = { store: ipfsPart, cache: ipfsPart }

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
  const real = names.filter((name) => !Object.hasOwn(own, name)).map((name) => within[name] ?? name)
  const borrowed = parts.borrow([...new Set(real)])
  const open = borrowed.parts[ipfsPart] as OpenNode | undefined
  const inside = open && { ipfs: open.ipfs, store: open.ipfs.store, cache: open.cache }
  return { ...borrowed, parts: { ...borrowed.parts, ...inside, ...own } }
}
