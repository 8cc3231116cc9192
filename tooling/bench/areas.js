/** Finds the bench files of a workspace and loads one. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { packageFolders } from '../workspace.ts'
import { BenchShapeError } from './shape.ts'
/** All areas of the workspace, by name. Throws BenchShapeError if two packages have the same one. */
export function findAreas(root) {
  const areas = packageFolders(root)
    .filter((folder) => existsSync(join(root, folder, 'bench')))
    .flatMap((folder) =>
      readdirSync(join(root, folder, 'bench'))
        .filter((name) => name.endsWith('.ts'))
        .map((name) => ({ area: name.slice(0, -3), folder, path: join(root, folder, 'bench', name) })),
    )
    .sort((a, b) => (a.area < b.area ? -1 : 1))
  areas.forEach((one, index) => {
    const next = areas[index + 1]
    if (next?.area !== one.area) return
    throw new BenchShapeError(
      `${one.folder} and ${next.folder} both have the area "${one.area}": rename one of the files`,
    )
  })
  return areas
}
/** The bench of an area. Throws BenchShapeError if its default export is not a bench. */
export async function loadBench(one) {
  const module = await import(pathToFileURL(one.path).href)
  const bench = module.default
  const refuse = (what) =>
    new BenchShapeError(`${one.folder}/bench/${one.area}.ts: the default export ${what}`)
  if (typeof bench !== 'object' || bench === null) throw refuse('is not an object { area, ids, run }')
  if (bench.area !== one.area) throw refuse(`has the area "${bench.area}", not the name of its file`)
  if (typeof bench.run !== 'function') throw refuse('has no function run')
  const { ids } = bench
  if (!Array.isArray(ids) || ids.length === 0 || !ids.every((id) => typeof id === 'string' && id !== '')) {
    throw refuse('has no ids: list the ids of all its results')
  }
  if (new Set(ids).size !== ids.length) throw refuse('names an id twice')
  return bench
}
//# sourceMappingURL=areas.js.map
