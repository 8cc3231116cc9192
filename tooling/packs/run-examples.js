/** Runs the examples of a package in the project into which it was installed. */
import { cpSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { exampleFiles } from '../readmes/examples.ts'
import { run, RunError } from './run.ts'
/**
 * Runs each example in the project: TypeScript by plain node, without a condition and with no sources but the example
 * itself, and scripts by sh, with the commands of the installed packages first on the path.
 */
export async function runExamples(one, project) {
  const names = exampleFiles(one.path)
  if (names.length === 0) return []
  cpSync(join(one.path, 'examples'), join(project, 'examples'), { recursive: true })
  const commands = [join(project, 'node_modules/.bin'), dirname(process.execPath), process.env['PATH'] ?? '']
  const env = {
    PATH: commands.join(delimiter),
    // The launchers of pnpm set NODE_PATH, by which a dependency that is not installed would be found.
    NODE_PATH: undefined,
    NODE_OPTIONS: undefined,
    IPFS_KIT_HOME: join(project, 'home'),
  }
  const runs = []
  for (const name of names) {
    try {
      const file = join('examples', name)
      const isScript = name.endsWith('.sh')
      const [program, args] = [isScript ? 'sh' : process.execPath, isScript ? ['-eu', file] : [file]]
      await run(program, args, { cwd: project, timeoutMs: 60_000, env })
      runs.push({ name })
    } catch (error) {
      if (!(error instanceof RunError)) throw error
      runs.push({ name, failure: error.message })
    }
  }
  return runs
}
//# sourceMappingURL=run-examples.js.map
