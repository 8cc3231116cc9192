/** Installs one packed package into an empty npm project, as a stranger would, and runs its examples there. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exampleFiles } from '../readmes/examples.ts'
import { readJson, scope, workspaceDependencies, type WorkspacePackage } from '../workspace.ts'
import { run, RunError } from './run.ts'

/**
 * Makes the project in the new folder `project` and installs the package from its tarball; the tarballs of the others
 * stand in for the registry. Install scripts are off: nothing may need a compiler. Gives the number of installed
 * packages. Rejects if the install fails or another set of our packages is there than the package depends on.
 */
export async function installAlone(
  one: WorkspacePackage,
  all: readonly WorkspacePackage[],
  tarballs: ReadonlyMap<string, string>,
  project: string,
): Promise<number> {
  mkdirSync(project)
  const file = (name: string) => `file:${tarballs.get(name)}`
  const others = [...tarballs.keys()].filter((name) => name !== one.name)
  const manifest = {
    name: 'empty-project',
    private: true,
    type: 'module',
    dependencies: { [one.name]: file(one.name) },
    overrides: Object.fromEntries(others.map((name) => [name, file(name)])),
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest, null, 2))
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  await run('npm', ['install', ...flags], { cwd: project, timeoutMs: 300_000 })

  const { packages } = readJson(join(project, 'package-lock.json')) as { packages: Record<string, unknown> }
  const installed = Object.keys(packages).filter((path) => path !== '')
  const ours = installed.map((path) => path.split('node_modules/').at(-1) ?? '')
  const actual = ours.filter((name) => name.startsWith(scope)).sort()
  const expected = closure(one, all).sort()
  if (actual.join() !== expected.join()) {
    throw new Error(`installs ${actual.join(', ')} where it depends on ${expected.join(', ')}`)
  }
  return installed.length
}

/** The package and all workspace packages that it reaches by published dependencies. */
function closure(one: WorkspacePackage, all: readonly WorkspacePackage[]): string[] {
  const reached = new Set([one])
  for (const next of reached) {
    const names = workspaceDependencies(next.manifest, ['dependencies', 'peerDependencies'])
    for (const other of all) if (names.has(other.name)) reached.add(other)
  }
  return [...reached].map(({ name }) => name)
}

/** What became of one example. */
export interface ExampleRun {
  readonly name: string
  /** Absent if it ran to its end with exit code 0. */
  readonly failure?: string
}

/** Runs each example in the project with plain node: no condition, no sources but the example itself. */
export async function runExamples(one: WorkspacePackage, project: string): Promise<ExampleRun[]> {
  const names = exampleFiles(one.path)
  if (names.length === 0) return []
  cpSync(join(one.path, 'examples'), join(project, 'examples'), { recursive: true })
  const runs: ExampleRun[] = []
  for (const name of names) {
    try {
      await run(process.execPath, [join('examples', name)], {
        cwd: project,
        timeoutMs: 60_000,
        // The launchers of pnpm set NODE_PATH, by which a dependency that is not installed would be found.
        env: { NODE_OPTIONS: undefined, NODE_PATH: undefined, IPFS_KIT_HOME: join(project, 'home') },
      })
      runs.push({ name })
    } catch (error) {
      if (!(error instanceof RunError)) throw error
      runs.push({ name, failure: error.message })
    }
  }
  return runs
}
