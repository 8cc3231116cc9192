/**
 * What a package and its examples import. npm lays the dependencies of dependencies where anything finds them, so that
 * an install alone does not show that package.json declares what is imported.
 */
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { readImports } from '../layers/imports.ts'
import { exampleFiles } from '../readmes/examples.ts'
import { readJson } from '../workspace.ts'
/** The imports of an installed package, code and types, that its dependencies do not name, as texts. */
export function undeclaredImports(installed) {
  const manifest = readManifest(installed)
  return globSync('dist/**/*.{js,d.ts}', { cwd: installed })
    .sort()
    .flatMap((file) =>
      importedPackages(join(installed, file), ['value', 'type', 'address'])
        .filter((name) => name !== manifest.name && !isDependency(manifest, name))
        .map((name) => `${file} imports ${name}, which dependencies in package.json does not name`),
    )
}
/**
 * What the examples import at run time beside the package, its dependencies and Node, as `name@version`. Throws if
 * devDependencies does not name it.
 */
export function exampleNeeds(one, installed) {
  const manifest = readManifest(installed)
  const needs = new Set()
  for (const file of exampleFiles(one.path).filter((name) => name.endsWith('.ts'))) {
    for (const name of importedPackages(join(one.path, 'examples', file), ['value', 'address'])) {
      if (name === manifest.name || isDependency(manifest, name)) continue
      const version = manifest.devDependencies?.[name]
      if (version === undefined) {
        throw new Error(`examples/${file} imports ${name}, which package.json does not declare`)
      }
      needs.add(`${name}@${version}`)
    }
  }
  return [...needs].sort()
}
/** The packed package.json: its versions are those that would be published. */
function readManifest(installed) {
  return readJson(join(installed, 'package.json'))
}
function isDependency(manifest, name) {
  const { dependencies, peerDependencies, optionalDependencies } = manifest
  return [dependencies, peerDependencies, optionalDependencies].some((names) => names?.[name] !== undefined)
}
/** The names of the packages that a file imports, each once. */
function importedPackages(path, kinds) {
  const names = readImports(path, readFileSync(path, 'utf8'))
    .filter(({ specifier, kind }) => kinds.includes(kind) && !/^([./#]|file:)/.test(specifier))
    .filter(({ specifier }) => !isBuiltin(specifier))
    .map(({ specifier }) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'))
  return [...new Set(names)]
}
//# sourceMappingURL=imports.js.map
