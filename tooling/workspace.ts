/** The packages of a workspace, as they lie on the disk. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The scope of all our packages, with the slash. */
export const scope = '@ipfs-kit/'

/** The condition under which `exports` resolve to the sources. */
export const sourceCondition = '@ipfs-kit/source'

/** The parts of a package.json that the checks read. */
export interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly private?: boolean
  readonly scripts?: Readonly<Record<string, string>>
  readonly exports?: unknown
  readonly bin?: unknown
  readonly publishConfig?: { readonly exports?: unknown }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** A folder of `packages/` or `apps/` that has a package.json. */
export interface WorkspacePackage {
  /** `packages/storage` */
  readonly folder: string
  /** Absolute path of the folder. */
  readonly path: string
  /** `@ipfs-kit/storage`, or `''` if package.json has no name. */
  readonly name: string
  readonly manifest: Manifest
}

/** The workspace that holds this file. */
export function workspaceRoot(): string {
  return resolve(import.meta.dirname, '..')
}

/** All folders below `packages` and `apps`, in the order of their names, whether or not they are packages. */
export function packageFolders(root: string): string[] {
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
export function readPackages(root: string): WorkspacePackage[] {
  return packageFolders(root)
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => {
      const path = join(root, folder)
      const manifest = readJson(join(path, 'package.json')) as Manifest
      return { folder, path, name: manifest.name ?? '', manifest }
    })
}

/** The workspace packages among the dependencies of the given kinds, name to version. */
export function workspaceDependencies(
  manifest: Manifest,
  kinds: readonly ('dependencies' | 'devDependencies' | 'peerDependencies' | 'optionalDependencies')[],
): Map<string, string> {
  const found = new Map<string, string>()
  for (const kind of kinds) {
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
      if (name.startsWith(scope)) found.set(name, version)
    }
  }
  return found
}

/** A JSON file. The error of a file that is not JSON names the file. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new SyntaxError(`${path} cannot be read as JSON`, { cause: error })
  }
}
