/** Reads every source file of a package and checks what it imports. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { Finding } from '../findings.ts'
import { scope, workspaceDependencies, type WorkspacePackage } from '../workspace.ts'
import { forbiddenEdge, typesOnly, type LayerTable } from './edges.ts'
import { readImports, type ImportSite } from './imports.ts'
import { services } from './manifests.ts'

/** The folders of a package that hold TypeScript. */
const parts = ['src', 'test', 'examples', 'bench'] as const
type Part = (typeof parts)[number] | 'settings'

/** What the `vitest.config.ts` of a package takes from `tooling`. */
const sharedSettings = new Set(['vitest.config.ts', 'vitest.blockstore.config.ts'])

/** All that is wrong with the imports of one package. */
export function checkSources(table: LayerTable, one: WorkspacePackage): Finding[] {
  return sourceFiles(one).flatMap(({ path, part }) => {
    const file = `${one.folder}/${relative(one.path, path).split(sep).join('/')}`
    let sites: ImportSite[]
    try {
      sites = readImports(path, readFileSync(path, 'utf8'))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return [{ file, problem: `cannot be parsed: ${reason}`, remedy: 'correct the syntax' }]
    }
    return sites.flatMap((site) => {
      const found = checkSite(table, one, part, path, site)
      return found === undefined ? [] : [{ file, line: site.line, ...found }]
    })
  })
}

function sourceFiles(one: WorkspacePackage): { path: string; part: Part }[] {
  const files = (pattern: string, cwd: string, part: Part) =>
    globSync(pattern, { cwd, exclude: (name) => name === 'node_modules' || name === 'dist' })
      .sort()
      .map((name) => ({ path: join(cwd, name), part }))
  return [
    ...parts
      .filter((part) => existsSync(join(one.path, part)))
      .flatMap((part) => files('**/*.{ts,tsx,mts,cts}', join(one.path, part), part)),
    ...files('*.{ts,mts}', one.path, 'settings'),
  ]
}

type Verdict = { problem: string; remedy: string } | undefined

function checkSite(
  table: LayerTable,
  one: WorkspacePackage,
  part: Part,
  path: string,
  site: ImportSite,
): Verdict {
  if (site.specifier.startsWith(scope)) return checkNamed(table, one, part, site)
  if (site.kind === 'file' && part !== 'src') return undefined // A test may point at any file.
  if (/^\.\.?(\/|$)/.test(site.specifier)) return checkRelative(one, part, path, site)
  if (site.kind !== 'file' && /^(\/|file:)/.test(site.specifier)) {
    return { problem: `imports ${site.specifier} by absolute path`, remedy: 'import the package by its name' }
  }
  return undefined
}

function checkRelative(one: WorkspacePackage, part: Part, path: string, site: ImportSite): Verdict {
  const target = resolve(dirname(path), site.specifier)
  if (inside(target, one.path)) {
    if (part !== 'src' || inside(target, join(one.path, 'src'))) return undefined
    if (target === join(one.path, 'package.json')) return undefined
    return { problem: `src imports ${site.specifier}, which is not published`, remedy: 'move it into src' }
  }
  const root = resolve(one.path, '../..')
  const isShared = sharedSettings.has(relative(join(root, 'tooling'), target))
  if (path === join(one.path, 'vitest.config.ts') && isShared) return undefined
  if ((part === 'test' || part === 'bench') && inside(target, join(root, services))) return undefined
  return {
    problem: `relative import ${site.specifier} leaves ${one.folder}`,
    remedy: 'import the package by its name',
  }
}

function checkNamed(table: LayerTable, one: WorkspacePackage, part: Part, site: ImportSite): Verdict {
  const name = site.specifier.split('/').slice(0, 2).join('/')
  if (name === one.name) {
    if (part !== 'src' || site.kind === 'address') return undefined
    return { problem: `src imports its own package ${name}`, remedy: 'import the file by relative path' }
  }
  const forbidden = forbiddenEdge(table, one.folder, name)
  if (forbidden !== undefined) return forbidden
  if (part === 'src' && site.kind !== 'type' && typesOnly[one.folder]?.includes(name) === true) {
    return {
      problem: `${one.folder} loads ${name} at run time; it may have its types only`,
      remedy: 'write `import type { … }`',
    }
  }
  // What is published must find it after an install; examples are run from the published package.
  const published = part === 'src' || part === 'examples'
  const declared = workspaceDependencies(one.manifest, [
    'dependencies',
    'peerDependencies',
    'optionalDependencies',
    ...(published ? [] : (['devDependencies'] as const)),
  ])
  if (declared.has(name)) return undefined
  const place = published ? 'dependencies' : 'dependencies or devDependencies'
  return {
    problem: `imports ${name}, which package.json does not declare`,
    remedy: `add it to ${place} as workspace:*`,
  }
}

function inside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + sep)
}
