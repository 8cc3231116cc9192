/** Checks package.json and the tsconfig files of a package against each other. */
import { existsSync } from 'node:fs'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { readJson, scope, sourceCondition, workspaceDependencies } from '../workspace.ts'
import { forbiddenEdge } from './edges.ts'
/** The scripts that every package has. */
const scripts = ['build', 'typecheck', 'lint', 'test', 'bench']
/** All that is wrong with the settings of one package; `all` are the packages of the workspace. */
export function checkManifest(table, one, all) {
  return [
    ...checkIdentity(table, one),
    ...checkDependencies(table, one),
    ...checkExports(one),
    ...checkReferences(one, all),
    ...scripts
      .filter((script) => one.manifest.scripts?.[script] === undefined)
      .map((script) => finding(one, `has no script "${script}"`, 'copy it from another package')),
  ]
}
function finding(one, problem, remedy, file = 'package.json') {
  return { file: `${one.folder}/${file}`, problem, remedy }
}
function checkIdentity(table, one) {
  if (table[one.folder] === undefined) {
    return [
      finding(
        one,
        `${one.folder} is not in the layer table`,
        'add it with its layer to tooling/check-layers.ts',
      ),
    ]
  }
  const expected = scope + one.folder.split('/')[1]
  return one.name === expected
    ? []
    : [finding(one, `the name is "${one.name}"`, `call it "${expected}" like its folder`)]
}
function checkDependencies(table, one) {
  const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']
  return [...workspaceDependencies(one.manifest, kinds)].flatMap(([name, version]) => {
    const forbidden = forbiddenEdge(table, one.folder, name)
    if (forbidden !== undefined) return [finding(one, forbidden.problem, forbidden.remedy)]
    return version === 'workspace:*'
      ? []
      : [finding(one, `depends on ${name} as "${version}"`, 'write "workspace:*"')]
  })
}
function checkExports(one) {
  const { exports, publishConfig } = one.manifest
  const found = []
  if (JSON.stringify(withoutCondition(exports)) !== JSON.stringify(publishConfig?.exports)) {
    found.push(
      finding(
        one,
        `publishConfig.exports is not exports without "${sourceCondition}"`,
        'make them equal, with the same order of keys',
      ),
    )
  }
  for (const source of sourceTargets(exports)) {
    if (!existsSync(join(one.path, source))) {
      found.push(finding(one, `exports names ${source}, which does not exist`, 'write it or take it out'))
    }
  }
  return found
}
function withoutCondition(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== sourceCondition)
      .map(([key, inner]) => [key, withoutCondition(inner)]),
  )
}
function sourceTargets(value) {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === sourceCondition && typeof inner === 'string' ? [inner] : sourceTargets(inner),
  )
}
function checkReferences(one, all) {
  const folderOf = new Map(all.map((other) => [other.name, other.folder]))
  const folders = (kinds) =>
    [...workspaceDependencies(one.manifest, kinds).keys()].flatMap((name) => folderOf.get(name) ?? [])
  const published = folders(['dependencies', 'peerDependencies', 'optionalDependencies'])
  const tested = [one.folder, ...published, ...folders(['devDependencies'])]
  return [
    ...compareReferences(one, 'tsconfig.json', published, 'the workspace dependencies'),
    ...compareReferences(
      one,
      'tsconfig.test.json',
      tested,
      'the package, its workspace dependencies and devDependencies',
    ),
  ]
}
function compareReferences(one, file, expected, meaning) {
  const path = join(one.path, file)
  if (!existsSync(path)) return [finding(one, `${file} is missing`, 'copy it from another package', file)]
  const root = resolve(one.path, '../..')
  const references = readJson(path).references ?? []
  const actual = references.map((reference) => folderFrom(root, resolve(one.path, reference.path)))
  const missing = [...new Set(expected)].filter((folder) => !actual.includes(folder))
  const extra = actual.filter((folder) => !expected.includes(folder))
  const remedy = `references are ${meaning}`
  return [
    ...missing.map((folder) => finding(one, `does not reference ${folder}`, remedy, file)),
    ...extra.map((folder) => finding(one, `references ${folder}`, remedy, file)),
  ]
}
function folderFrom(root, path) {
  const inner = relative(root, path)
  return isAbsolute(inner) ? path : inner.split(sep).join('/')
}
//# sourceMappingURL=manifests.js.map
