/** All rows, in the order in which they run. */
import { cat } from './cat.ts'
import { durablePuts } from './durable-puts.ts'
import { fileImport } from './file-import.ts'
import { largeGets } from './large-gets.ts'
import { largePuts } from './large-puts.ts'
import { pinning } from './pinning.ts'
import { quota } from './quota.ts'
import type { Row } from './row.ts'
import { scale } from './scale.ts'
import { smallGets } from './small-gets.ts'
import { smallPuts } from './small-puts.ts'
import { treeImport } from './tree-import.ts'

/** The rows by name. */
export const rows: Readonly<Record<string, Row>> = {
  'small puts': smallPuts,
  'small gets': smallGets,
  'large puts': largePuts,
  'large gets': largeGets,
  'durable puts': durablePuts,
  'file import': fileImport,
  'tree import': treeImport,
  cat,
  scale,
  quota,
  pinning,
}

/** Ids of all results. */
export const rowIds = Object.values(rows).flatMap(({ specs }) => specs.map(({ id }) => id))
