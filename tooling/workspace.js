/** The packages of a workspace, as they lie on the disk. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
/** The scope of all our packages, with the slash. */
export const scope = '@ipfs-kit/'
/** The condition under which `exports` resolve to the sources. */
export const sourceCondition = '@ipfs-kit/source'
/** The workspace that holds this file. */
export function workspaceRoot() {
  return resolve(import.meta.dirname, '..')
}
/** All folders below `packages` and `apps`, in the order of their names, whether or not they are packages. */
export function packageFolders(root) {
  return ['packages', 'apps'].flatMap((group) =>
    existsSync(join(root, group))
      ? readdirSync(join(root, group), { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map((entry) => `${group}/${entry.name}`)
          .sort()
      : [],
  )
}
/** All packages below `packages` and `apps`. Throws SyntaxError if a package.json is not JSON. */
export function readPackages(root) {
  return packageFolders(root)
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => {
      const path = join(root, folder)
      const manifest = readJson(join(path, 'package.json'))
      return { folder, path, name: manifest.name ?? '', manifest }
    })
}
/** The workspace packages among the dependencies of the given kinds, name to version. */
export function workspaceDependencies(manifest, kinds) {
  const found = new Map()
  for (const kind of kinds) {
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
      if (name.startsWith(scope)) found.set(name, version)
    }
  }
  return found
}
/** A JSON file. The error of a file that is not JSON names the file. */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new SyntaxError(`${path} cannot be read as JSON`, { cause: error })
  }
}
//# sourceMappingURL=workspace.js.map
