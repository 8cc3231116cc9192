/** Checks package.json and the tsconfig files of a package against each other. */
import { existsSync } from 'node:fs'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { Finding } from '../findings.ts'
import {
  readJson,
  scope,
  sourceCondition,
  workspaceDependencies,
  type WorkspacePackage,
} from '../workspace.ts'
import { forbiddenEdge, type LayerTable } from './edges.ts'

/** The servers for tests, which any package may reference whose tests or benches use them. */
export const services = 'tooling/services'

/** The scripts that every package has. */
const scripts = ['build', 'typecheck', 'lint', 'test', 'bench']

/** All that is wrong with the settings of one package; `all` are the packages of the workspace. */
export function checkManifest(
  table: LayerTable,
  one: WorkspacePackage,
  all: readonly WorkspacePackage[],
): Finding[] {
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

function finding(one: WorkspacePackage, problem: string, remedy: string, file = 'package.json'): Finding {
  return { file: `${one.folder}/${file}`, problem, remedy }
}

function checkIdentity(table: LayerTable, one: WorkspacePackage): Finding[] {
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

function checkDependencies(table: LayerTable, one: WorkspacePackage): Finding[] {
  const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'] as const
  return [...workspaceDependencies(one.manifest, kinds)].flatMap(([name, version]) => {
    const forbidden = forbiddenEdge(table, one.folder, name)
    if (forbidden !== undefined) return [finding(one, forbidden.problem, forbidden.remedy)]
    return version === 'workspace:*'
      ? []
      : [finding(one, `depends on ${name} as "${version}"`, 'write "workspace:*"')]
  })
}

function checkExports(one: WorkspacePackage): Finding[] {
  const { exports, publishConfig } = one.manifest
  const found: Finding[] = []
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

function withoutCondition(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== sourceCondition)
      .map(([key, inner]) => [key, withoutCondition(inner)]),
  )
}

function sourceTargets(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === sourceCondition && typeof inner === 'string' ? [inner] : sourceTargets(inner),
  )
}

function checkReferences(one: WorkspacePackage, all: readonly WorkspacePackage[]): Finding[] {
  const folderOf = new Map(all.map((other) => [other.name, other.folder]))
  const folders = (kinds: Parameters<typeof workspaceDependencies>[1]) =>
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

function compareReferences(
  one: WorkspacePackage,
  file: string,
  expected: readonly string[],
  meaning: string,
): Finding[] {
  const path = join(one.path, file)
  if (!existsSync(path)) return [finding(one, `${file} is missing`, 'copy it from another package', file)]
  const root = resolve(one.path, '../..')
  const references = (readJson(path) as { references?: { path: string }[] }).references ?? []
  const actual = references.map((reference) => folderFrom(root, resolve(one.path, reference.path)))
  const missing = [...new Set(expected)].filter((folder) => !actual.includes(folder))
  const extra = actual.filter(
    (folder) => !expected.includes(folder) && !(file === 'tsconfig.test.json' && folder === services),
  )
  const remedy = `references are ${meaning}`
  return [
    ...missing.map((folder) => finding(one, `does not reference ${folder}`, remedy, file)),
    ...extra.map((folder) => finding(one, `references ${folder}`, remedy, file)),
  ]
}

function folderFrom(root: string, path: string): string {
  const inner = relative(root, path)
  return isAbsolute(inner) ? path : inner.split(sep).join('/')
}
