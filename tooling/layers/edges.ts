/** Which package may name which: the rules on a single step from one package to another. */
import { scope } from '../workspace.ts'

/** Folder of every package, present or future, and its layer. */
export type LayerTable = Readonly<Record<string, number>>

/** The layer of `@ipfs-kit/x`, or undefined if the table does not have it. */
export function layerOf(table: LayerTable, name: string): number | undefined {
  const short = name.slice(scope.length)
  return table[`packages/${short}`] ?? table[`apps/${short}`]
}

/** Why the package in `folder` may not depend on `name`: problem and remedy, or undefined if it may. */
export function forbiddenEdge(
  table: LayerTable,
  folder: string,
  name: string,
): { problem: string; remedy: string } | undefined {
  const from = table[folder]
  const to = layerOf(table, name)
  if (to === undefined) {
    return {
      problem: `${name} is not in the layer table`,
      remedy: 'correct the name or add the package to tooling/check-layers.ts',
    }
  }
  if (from === undefined) return undefined // The package itself is refused, once.
  if (to >= from) {
    return {
      problem: `${folder} (layer ${from}) names ${name} (layer ${to}); imports go strictly downward`,
      remedy: 'declare the small interface that is needed and take it as an argument',
    }
  }
  if (name.startsWith(`${scope}storage-`) && folder !== 'packages/kit') {
    return {
      problem: `${folder} names ${name}; concrete storages are imported by packages/kit alone`,
      remedy: 'take a StorageBackend as an argument',
    }
  }
  if (name === `${scope}telemetry` && !folder.startsWith('apps/')) {
    return {
      problem: `${folder} names ${name}; only apps listen`,
      remedy: 'publish on a diagnostics channel',
    }
  }
  return undefined
}

/** Packages of which a package's `src` may import types only: it must run where they cannot (a browser). */
export const typesOnly: Readonly<Record<string, readonly string[]>> = {
  'packages/client': [`${scope}kit`, `${scope}operations`],
}
