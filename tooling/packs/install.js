/** Installs one packed package into an empty npm project, as a stranger would. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readJson, scope, workspaceDependencies } from '../workspace.ts'
import { exampleNeeds, undeclaredImports } from './imports.ts'
import { run } from './run.ts'
/**
 * Makes the project in the new folder `project` and installs the package from its tarball; the tarballs of the others
 * stand in for the registry. Install scripts are off: nothing may need a compiler. What only its examples import comes
 * after it, at the version of its devDependencies. Rejects if an install fails, if another set of our packages is there
 * than the package depends on, or if the package or an example imports what package.json does not declare.
 */
export async function installAlone(one, all, tarballs, project) {
  mkdirSync(project)
  const file = (name) => `file:${tarballs.get(name)}`
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
  const { packages } = readJson(join(project, 'package-lock.json'))
  const installed = Object.keys(packages).filter((path) => path !== '')
  const ours = installed.map((path) => path.split('node_modules/').at(-1) ?? '')
  const actual = ours.filter((name) => name.startsWith(scope)).sort()
  const expected = closure(one, all).sort()
  if (actual.join() !== expected.join()) {
    throw new Error(`installs ${actual.join(', ')} where it depends on ${expected.join(', ')}`)
  }
  const place = join(project, 'node_modules', one.name)
  const wrong = undeclaredImports(place)
  if (wrong.length > 0) throw new Error(wrong.join('; '))
  const needs = exampleNeeds(one, place)
  if (needs.length > 0) {
    await run('npm', ['install', ...flags, ...needs], { cwd: project, timeoutMs: 300_000 })
  }
  return { packages: installed.length, needs }
}
/** The package and all workspace packages that it reaches by published dependencies. */
function closure(one, all) {
  const reached = new Set([one])
  for (const next of reached) {
    const names = workspaceDependencies(next.manifest, ['dependencies', 'peerDependencies'])
    for (const other of all) if (names.has(other.name)) reached.add(other)
  }
  return [...reached].map(({ name }) => name)
}
//# sourceMappingURL=install.js.map
